#include "lockstep/nn/known_answers.hpp"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

#include "lockstep/base/portable_math.hpp"
#include "lockstep/base/random.hpp"
#include "nn/elementary.hpp"

namespace lockstep {
namespace {

constexpr std::size_t kPoints = 203;  // vectors, and a rest

template <typename Number>
using Points = std::array<Number, kPoints>;

/// FNV-1a over numbers: every bit counts.
template <typename Number>
std::uint64_t digest_of(const Points<Number>& numbers) {
  using Bits = std::conditional_t<sizeof(Number) == 8, std::uint64_t, std::uint32_t>;
  std::uint64_t digest = 0xcbf29ce484222325u;
  for (const Number x : numbers) digest = (digest ^ std::bit_cast<Bits>(x)) * 0x100000001b3u;
  return digest;
}

/// Side by side: the compiler makes vectors of it, and a rest.
template <typename Number, typename Function>
[[gnu::noinline]] void evaluate(const Function& function, const Points<Number>& x,
                                Points<Number>& y) {
  for (std::size_t i = 0; i < kPoints; ++i) y[i] = function(x[i]);
}

template <typename Number, typename Function>
[[gnu::noinline]] Number evaluate(const Function& function, Number x) {
  return function(x);
}

/// The first function that differs ends the checks.
class Checks {
 public:
  /// `function` at first, first + step, ...
  template <typename Number, typename Function>
  void check(std::string_view name, Number first, Number step, std::uint64_t digest,
             const Function& function) {
    if (!fault_.empty()) return;
    Points<Number> x{}, together{}, alone{};
    for (std::size_t i = 0; i < kPoints; ++i) x[i] = first + static_cast<Number>(i) * step;
    evaluate(function, x, together);
    for (std::size_t i = 0; i < kPoints; ++i) alone[i] = evaluate(function, x[i]);
    for (const auto& [how, values] : {std::pair("side by side", &together), {"alone", &alone}}) {
      const std::uint64_t found = digest_of(*values);
      if (found == digest || !fault_.empty()) continue;
      fault_ = fmt::format("{}, evaluated {}: the digest of the results is {:016x}, not {:016x}",
                           name, how, found, digest);
    }
  }

  [[nodiscard]] const std::string& fault() const { return fault_; }

 private:
  std::string fault_;
};

}  // namespace

std::string check_known_functions() {
  Checks checks;
  checks.check("exp", -744.1, 7.21, 0x6b064a92a4f89d9du, portable::exp);
  checks.check("log", 1e-9, 0.0131, 0x574d8570f4891455u, portable::log);
  checks.check("pow", 0.0, 0.0173, 0x7648a78dd317f6c7u,
               [](double x) { return portable::pow(x, 2.7); });
  checks.check("cos", -9.0, 0.0911, 0x7202bb41d436d508u, portable::cos);
  checks.check("sin", -9.0, 0.0911, 0x0041ecfb94a252f7u, portable::sin);
  checks.check("the normal distribution", 0.0, 1.0, 0xe99e10c533d66dc5u,
               [](double x) { return random_normal({.seed = 7}, static_cast<std::uint64_t>(x)); });
#ifndef LOCKSTEP_DOUBLE
  checks.check("exp of layers", -104.0f, 0.953f, 0xeb4ff70cf8fb0ed5u, elementary::exp);
  checks.check("tanh of layers", -9.0f, 0.0911f, 0x39d050cba0109f65u, elementary::tanh);
  checks.check("sigmoid", -90.0f, 0.911f, 0xaa5872780a48ef4fu, elementary::sigmoid);
  checks.check("gelu", -14.0f, 0.1421f, 0xca3381271811dc1du, elementary::gelu);
  checks.check("the slope of gelu", -14.0f, 0.1421f, 0xb30fd591af7e8fbfu,
               [](Real x) { return elementary::gelu_with_slope(x).slope; });
#endif
  return checks.fault();
}

}  // namespace lockstep
