#include "nn/elementary.hpp"
#include "nn/recurrent.hpp"

namespace lockstep {
namespace {

/// Gates r, z, n in this order; with a = x W_ih + b_ih and e = h W_hh + b_hh:
/// r = sigmoid(a_r + e_r), z = sigmoid(a_z + e_z), n = tanh(a_n + r e_n), h' = n + z (h - n).
/// Kept: e_n. Carried backward: z dh'.
struct GruCell {
  static constexpr std::string_view kType = "gru";
  static constexpr Index kGates = 3;
  static constexpr bool kEqualGradients = false;
  static constexpr bool kCarriesState = true;

  static void forward(const CellForward& at) {
    const Index units = at.units;
    for (Index j = 0; j < 2 * units; ++j) {
      at.gates[j] = elementary::sigmoid(at.gates[j] + at.hidden[j]);
    }
    const Real* const r = at.gates;
    const Real* const z = r + units;
    Real* const n = at.gates + 2 * units;
    std::copy_n(at.hidden + 2 * units, units, at.kept);
    for (Index u = 0; u < units; ++u) n[u] = elementary::tanh(n[u] + r[u] * at.kept[u]);
    for (Index u = 0; u < units; ++u) at.next[u] = n[u] + z[u] * (at.state[u] - n[u]);
  }

  static void backward(const CellBackward& at) {
    const Index units = at.units;
    const Real* const r = at.gates;
    const Real* const z = r + units;
    const Real* const n = z + units;
    Real* const dr = at.dgates;
    Real* const dz = dr + units;
    Real* const dn = dz + units;
    for (Index u = 0; u < units; ++u) {
      const Real dh = at.dnext[u];
      dn[u] = dh * (1 - z[u]) * (1 - n[u] * n[u]);
      dz[u] = dh * (at.state[u] - n[u]) * (z[u] * (1 - z[u]));
      at.carried[u] = dh * z[u];
    }
    for (Index u = 0; u < units; ++u) dr[u] = dn[u] * at.kept[u] * (r[u] * (1 - r[u]));
    std::copy_n(at.dgates, 2 * units, at.dhidden);
    for (Index u = 0; u < units; ++u) at.dhidden[2 * units + u] = dn[u] * r[u];
  }
};

}  // namespace

std::unique_ptr<Layer> gru(Index units, const RecurrentOptions& options) {
  return std::make_unique<Recurrent<GruCell>>(units, options);
}

}  // namespace lockstep
