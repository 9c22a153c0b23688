//! Medians and their like.

/// The value that this share of the others, from 0 to 1, is below; `None` of nothing.
pub fn quantile(values: impl IntoIterator<Item = f64>, share: f64) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let index = (values.len() as f64 * share) as usize;
    values.get(index.min(values.len().saturating_sub(1))).copied()
}

/// The value in the middle; `None` of nothing.
pub fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    quantile(values, 0.5)
}

/// The largest value; `None` of nothing.
pub fn maximum(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    quantile(values, 1.0)
}

/// A number as a table has it, with this many digits behind the point; a dash where there is none.
pub fn shown(value: Option<f64>, digits: usize) -> String {
    value.map_or("–".to_owned(), |it| format!("{it:.digits$}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_were_there() {
        let values = [5.0, 1.0, 4.0, 2.0, 3.0];
        assert_eq!((median(values), maximum(values), quantile(values, 0.0)), (Some(3.0), Some(5.0), Some(1.0)));
        assert_eq!(median([]), None);
    }

    #[test]
    fn what_is_not_known_is_a_dash() {
        assert_eq!((shown(Some(1.25), 1), shown(None, 1)), ("1.2".to_owned(), "–".to_owned()));
    }
}
