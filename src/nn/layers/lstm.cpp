#include "nn/elementary.hpp"
#include "nn/recurrent.hpp"

namespace lockstep {
namespace {

/// Gates i, f, g, o in this order, each a = x W_ih + b_ih + h W_hh + b_hh through its function:
/// c' = f c + i g, h' = o tanh(c'). Kept: c'. Carried backward: the gradient of c.
struct LstmCell {
  static constexpr std::string_view kType = "lstm";
  static constexpr Index kGates = 4;
  static constexpr bool kEqualGradients = true;
  static constexpr bool kCarriesState = false;

  static void forward(const CellForward& at) {
    const Index n = at.units;
    for (Index j = 0; j < 4 * n; ++j) at.gates[j] += at.hidden[j];
    for (Index j = 0; j < 2 * n; ++j) at.gates[j] = elementary::sigmoid(at.gates[j]);
    for (Index j = 2 * n; j < 3 * n; ++j) at.gates[j] = elementary::tanh(at.gates[j]);
    for (Index j = 3 * n; j < 4 * n; ++j) at.gates[j] = elementary::sigmoid(at.gates[j]);
    const Real* const i = at.gates;
    const Real* const f = i + n;
    const Real* const g = f + n;
    const Real* const o = g + n;
    for (Index u = 0; u < n; ++u) at.kept[u] = f[u] * at.kept_before[u] + i[u] * g[u];
    for (Index u = 0; u < n; ++u) at.next[u] = o[u] * elementary::tanh(at.kept[u]);
  }

  static void backward(const CellBackward& at) {
    const Index n = at.units;
    const Real* const i = at.gates;
    const Real* const f = i + n;
    const Real* const g = f + n;
    const Real* const o = g + n;
    Real* const di = at.dgates;
    Real* const df = di + n;
    Real* const dg = df + n;
    Real* const d_o = dg + n;
    for (Index u = 0; u < n; ++u) {
      const Real y = elementary::tanh(at.kept[u]);
      d_o[u] = at.dnext[u] * y * (o[u] * (1 - o[u]));
      at.carried[u] += at.dnext[u] * o[u] * (1 - y * y);
    }
    for (Index u = 0; u < n; ++u) {
      const Real dc = at.carried[u];
      di[u] = dc * g[u] * (i[u] * (1 - i[u]));
      dg[u] = dc * i[u] * (1 - g[u] * g[u]);
      df[u] = dc * at.kept_before[u] * (f[u] * (1 - f[u]));
    }
    for (Index u = 0; u < n; ++u) at.carried[u] *= f[u];
  }
};

}  // namespace

std::unique_ptr<Layer> lstm(Index units, const RecurrentOptions& options) {
  return std::make_unique<Recurrent<LstmCell>>(units, options);
}

}  // namespace lockstep
