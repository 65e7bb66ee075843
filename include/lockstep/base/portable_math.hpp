#pragma once

namespace lockstep {

/// Elementary functions in double whose bits depend on the argument alone. Those of the C library
/// do not: they differ between libraries, their versions, and the processors that they choose code
/// for. These are made of + - * /, std::fma and shifts of the exponent, each of which IEEE 754
/// defines to the last bit. Where a run's numbers come from a logarithm, an exponential or a cosine
/// (initial weights, schedules, losses, spectra), it is from here.
///
/// Errors found, against a wider type: below 0.8 units in the last place; of pow, |y log x| / 30
/// more.
namespace portable {

/// e^x.
[[nodiscard]] double exp(double x);

/// The natural logarithm; -infinity of zero, NaN below.
[[nodiscard]] double log(double x);

/// x^y for x >= 0.
[[nodiscard]] double pow(double x, double y);

/// Of an angle in radians, at most 10^6 in magnitude.
[[nodiscard]] double cos(double x);
[[nodiscard]] double sin(double x);

}  // namespace portable
}  // namespace lockstep
