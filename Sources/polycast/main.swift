import Glibc

// Nothing else: closures written here would be inferred to belong to the main actor.
let arguments = CommandLine.arguments
hideSecrets(in: CommandLine.unsafeArgv, count: CommandLine.argc)
exit(run(arguments))
