import Management
package func runDemo(_ configuration: DemoConfiguration) -> Int32 { 1 }
