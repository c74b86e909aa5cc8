import Drawing

extension Plot {
    /// The share of values that are at most so large, in steps of a hundredth.
    package static func cumulative(
        _ title: String, of values: Histogram, scale: Double
    ) -> Line {
        let points = (1...200).map { step -> (x: Double, y: Double) in
            let share = Double(step) / 200
            return (values.quantile(share) * scale, share)
        }
        return Line(title: title, points: values.count == 0 ? [] : points)
    }
}
