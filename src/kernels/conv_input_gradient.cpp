#include "kernels/conv_geometry.hpp"

// dx is itself a convolution: of dy, with the window turned by half and inputs and outputs
// exchanged; where windows lie `stride` places apart, one for each phase of the places.

namespace lockstep::kernels {
namespace {

/// The taps of one phase, turned by half, inputs and outputs exchanged.
GroupedWeight turn(const Convolution& conv, const OutputAxis& rows, const OutputAxis& columns,
                   const Real* w, Real* to) {
  const PanelLayout from = conv.weight();
  const Index outputs = conv.outputs();
  const Index taps = rows.taps * columns.taps;
  const PanelLayout own{taps * outputs, conv.inputs()};
  const Index step = GroupedWeight::step_of(own);
  parallel_for(conv.groups * taps, [&](Index task) {
    const Index g = task / taps;
    const Index tap = task % taps;
    const Index row = rows.last_tap - tap / columns.taps * rows.tap_step;
    const Index column = columns.last_tap - tap % columns.taps * columns.tap_step;
    const Index source = (row * conv.columns.size + column) * conv.inputs();
    for (Index o = 0; o < outputs; ++o) {
      const Real* numbers = w + from.at(source, g * outputs + o);
      const Index below = from.width((g * outputs + o) / PanelLayout::kWidth);
      for (Index p = 0; p < own.panels(); ++p) {
        Real* out = to + g * step + own.begin(p) + (tap * outputs + o) * own.width(p);
        for (Index i = 0; i < own.used(p); ++i) {
          out[i] = numbers[(p * PanelLayout::kWidth + i) * below];
        }
        std::fill(out + own.used(p), out + own.width(p), Real{0});
      }
    }
  });
  return {to, own, step};
}

}  // namespace

void conv_input_gradient(const Convolution& conv, Index samples, const Real* dy, const Real* w,
                         Real* dx, std::span<Real> scratch) {
  for (Index i = 0; i < OutputAxis::phases(conv.rows); ++i) {
    const OutputAxis rows(conv.rows, conv.input.height, i);
    for (Index j = 0; j < OutputAxis::phases(conv.columns); ++j) {
      const OutputAxis columns(conv.columns, conv.input.width, j);
      const Sliding sliding = over_outputs(conv, rows, columns);
      Scratch memory(scratch);
      const SlidingScratch room(memory, sliding, thread_count());
      const GroupedWeight turned = turn(conv, rows, columns, w, room.weight);
      slide(sliding, samples, dy, turned, {}, dx, room.rest);
    }
  }
}

}  // namespace lockstep::kernels
