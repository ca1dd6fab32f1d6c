//! How strong a rule is: figures of four counts.

/// In how many baskets the two sides of a rule stand. All measures of a rule follow from these.
///
/// The formulas are those of Agrawal, Imieliński & Swami, *Mining association rules between sets of items in large
/// databases* (SIGMOD 1993) for support and confidence, Brin, Motwani, Ullman & Tsur, *Dynamic itemset counting and
/// implication rules for market basket data* (SIGMOD 1997) for lift and conviction, Piatetsky-Shapiro, *Discovery,
/// analysis and presentation of strong rules* (1991) for leverage, and Dunning, *Accurate methods for the statistics
/// of surprise and coincidence* (Computational Linguistics 19, 1993) for the log-likelihood ratio.
///
/// ```
/// use recommender_core::rules::RuleCounts;
/// let counts = RuleCounts { baskets: 100, antecedent: 20, consequent: 40, both: 16 };
/// assert_eq!((counts.support(), counts.confidence(), counts.lift()), (0.16, 0.8, 2.0));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RuleCounts {
    /// All baskets, at least 1.
    pub baskets: u32,
    /// Those that hold the antecedent, at least 1.
    pub antecedent: u32,
    /// Those that hold the consequent, at least 1.
    pub consequent: u32,
    /// Those that hold both, at most the lesser of the two.
    pub both: u32,
}

impl RuleCounts {
    /// The share of the baskets that hold both sides.
    #[must_use]
    pub fn support(&self) -> f64 {
        share(self.both, self.baskets)
    }

    /// The share of the baskets that hold the antecedent.
    #[must_use]
    pub fn antecedent_support(&self) -> f64 {
        share(self.antecedent, self.baskets)
    }

    /// The share of the baskets that hold the consequent.
    #[must_use]
    pub fn consequent_support(&self) -> f64 {
        share(self.consequent, self.baskets)
    }

    /// Of the baskets with the antecedent, the share that also holds the consequent: 0 to 1.
    #[must_use]
    pub fn confidence(&self) -> f64 {
        share(self.both, self.antecedent)
    }

    /// How many times as often both stand together as they would if they had nothing to do with one another: 1 if they
    /// have not.
    #[must_use]
    pub fn lift(&self) -> f64 {
        f64::from(self.both) * f64::from(self.baskets)
            / (f64::from(self.antecedent) * f64::from(self.consequent))
    }

    /// The support less what it would be if both sides had nothing to do with one another: −0.25 to 0.25.
    #[must_use]
    pub fn leverage(&self) -> f64 {
        self.support() - self.antecedent_support() * self.consequent_support()
    }

    /// How many times as often the rule would fail if both sides had nothing to do with one another: from 0, 1 if they
    /// have not, infinite for a rule that never fails.
    #[must_use]
    pub fn conviction(&self) -> f64 {
        if self.both == self.antecedent {
            return f64::INFINITY;
        }
        (1.0 - self.consequent_support()) / (1.0 - self.confidence())
    }

    /// Dunning's G²: twice the logarithm of how much likelier the counts are if the consequent is as frequent with the
    /// antecedent as found, and as frequent without it as found, than if it were equally frequent with and without. At
    /// least 0; it says how sure it is that there is a relation, in whichever direction, not how strong it is.
    #[must_use]
    pub fn log_likelihood_ratio(&self) -> f64 {
        let [all, a, b, both] =
            [self.baskets, self.antecedent, self.consequent, self.both].map(f64::from);
        let term = |found: f64, row: f64, column: f64| {
            if found > 0.0 {
                found * (found * all / (row * column)).ln()
            } else {
                0.0
            }
        };
        let sum = term(both, a, b)
            + term(a - both, a, all - b)
            + term(b - both, all - a, b)
            + term(all - a - b + both, all - a, all - b);
        (2.0 * sum).max(0.0)
    }

    /// How likely a [`RuleCounts::log_likelihood_ratio`] as large is by chance alone, 0 to 1: the upper tail of the
    /// chi-squared distribution with one degree of freedom. Below about 10⁻³⁰⁸ it is 0.
    #[must_use]
    pub fn p_value(&self) -> f64 {
        chi_squared_tail(self.log_likelihood_ratio())
    }
}

fn share(part: u32, whole: u32) -> f64 {
    f64::from(part) / f64::from(whole)
}

/// From here on the continued fraction is used, before it the series; both are exact to some ten digits more than a
/// table shows.
const FAR_OUT: f64 = 2.0;
/// Steps of the continued fraction, many times what the nearest point needs.
const STEPS: u32 = 100;

/// P(X ≥ x) for X chi-squared with one degree of freedom, which is erfc(√(x / 2)); `x` at least 0.
fn chi_squared_tail(x: f64) -> f64 {
    let z = (x / 2.0).sqrt();
    let density = (-x / 2.0).exp() / std::f64::consts::PI.sqrt();
    if z < FAR_OUT {
        // erf(z) = 2/√π · e^(−z²) · Σ 2ⁿ z^(2n+1) / (1 · 3 · … · (2n+1)), of positive terms alone.
        let (mut term, mut sum, mut odd) = (z, z, 1.0);
        while term > sum * f64::EPSILON {
            odd += 2.0;
            term *= x / odd;
            sum += term;
        }
        return (1.0 - 2.0 * density * sum).max(0.0);
    }
    // erfc(z) = e^(−z²)/√π · 1/(z + (1/2)/(z + (2/2)/(z + (3/2)/(z + …)))), from the inside out.
    let fraction = (1..=STEPS)
        .rev()
        .fold(z, |inner, step| z + f64::from(step) / 2.0 / inner);
    density / fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64) -> bool {
        (found / expected - 1.0).abs() < 1e-12
    }

    #[test]
    fn measures_of_counts_worked_out_by_hand() {
        let counts = RuleCounts {
            baskets: 100,
            antecedent: 20,
            consequent: 40,
            both: 16,
        };
        assert!(close(counts.leverage(), 0.16 - 0.08));
        assert!(close(counts.conviction(), 0.6 / 0.2));
        // 16 of 8 expected, 4 of 12, 24 of 32, 56 of 48.
        let expected = 2.0
            * (16.0 * 2f64.ln() - 4.0 * 3f64.ln()
                + 24.0 * 0.75f64.ln()
                + 56.0 * (7.0f64 / 6.0).ln());
        assert!(close(counts.log_likelihood_ratio(), expected));
    }

    #[test]
    fn tails_of_the_chi_squared_distribution_meet_its_tables() {
        // The quantiles at 5 %, 1 % and 0.1 %, and points far out.
        let known = [
            (3.841_458_820_694_124, 0.05),
            (6.634_896_601_021_214, 0.01),
            (10.827_566_170_662_733, 0.001),
            (0.454_936_423_119_572_7, 0.5),
        ];
        for (x, expected) in known {
            let found = chi_squared_tail(x);
            assert!((found / expected - 1.0).abs() < 1e-11, "{x}: {found}");
        }
        assert_eq!(chi_squared_tail(0.0), 1.0);
        assert_eq!(chi_squared_tail(1e6), 0.0);
    }

    #[test]
    fn both_ways_to_a_tail_meet_where_one_takes_over() {
        let (before, after) = (chi_squared_tail(8.0 - 1e-12), chi_squared_tail(8.0));
        assert!((before / after - 1.0).abs() < 1e-11, "{before} {after}");
    }

    #[test]
    fn what_has_nothing_to_do_with_one_another_says_so() {
        let counts = RuleCounts {
            baskets: 100,
            antecedent: 20,
            consequent: 50,
            both: 10,
        };
        assert_eq!((counts.lift(), counts.conviction()), (1.0, 1.0));
        assert!(counts.leverage().abs() < 1e-15);
        assert!(counts.log_likelihood_ratio() < 1e-12 && counts.p_value() > 0.999);
    }

    #[test]
    fn certain_rules_and_equal_baskets_give_no_nan() {
        let one = RuleCounts {
            baskets: 1,
            antecedent: 1,
            consequent: 1,
            both: 1,
        };
        assert_eq!((one.lift(), one.leverage()), (1.0, 0.0));
        assert_eq!(one.conviction(), f64::INFINITY);
        assert_eq!((one.log_likelihood_ratio(), one.p_value()), (0.0, 1.0));
        let certain = RuleCounts {
            baskets: u32::MAX,
            antecedent: u32::MAX / 2,
            consequent: u32::MAX / 2,
            both: u32::MAX / 2,
        };
        assert!(certain.log_likelihood_ratio().is_finite());
        assert_eq!(certain.p_value(), 0.0);
    }
}
