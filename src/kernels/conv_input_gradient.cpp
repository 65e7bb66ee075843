#include "kernels/conv_geometry.hpp"

// dx is itself a convolution: of dy, with the window turned by half and inputs and outputs
// exchanged.

namespace lockstep::kernels {
namespace {

PanelLayout turned_layout(const Convolution& conv) {
  return {conv.rows.size * conv.columns.size * conv.outputs(), conv.inputs()};
}

GroupedWeight turn(const Convolution& conv, const Real* w, Real* to) {
  const PanelLayout from = conv.weight();
  const PanelLayout own = turned_layout(conv);
  const Index step = GroupedWeight::step_of(own);
  const Index places = conv.rows.size * conv.columns.size;
  const Index outputs = conv.outputs();
  parallel_for(conv.groups * places, [&](Index task) {
    const Index g = task / places;
    const Index place = task % places;
    const Index source = (places - 1 - place) * conv.inputs();
    for (Index o = 0; o < outputs; ++o) {
      const Real* column = w + from.at(source, g * outputs + o);
      const Index below = from.width((g * outputs + o) / PanelLayout::kWidth);
      for (Index p = 0; p < own.panels(); ++p) {
        Real* out = to + g * step + own.begin(p) + (place * outputs + o) * own.width(p);
        for (Index i = 0; i < own.used(p); ++i) {
          out[i] = column[(p * PanelLayout::kWidth + i) * below];
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
  const Index shared = conv.groups * GroupedWeight::step_of(turned_layout(conv));
  slide(over_outputs(conv), samples, dy, turn(conv, w, scratch.data()), {}, dx,
        scratch.subspan(static_cast<std::size_t>(shared)));
}

}  // namespace lockstep::kernels
