#include <algorithm>
#include <cassert>

#include "kernels/bias_gradient.hpp"
#include "kernels/blocking.hpp"
#include "kernels/linear_scratch.hpp"
#include "kernels/packing.hpp"
#include "kernels/tile.hpp"
#include "kernels/tree_tile.hpp"
#include "lockstep/base/ordered_sum.hpp"
#include "lockstep/kernels/linear.hpp"

// dw = sum over microbatches of x_m^T dy_m. Each task takes some inputs against some panels: it
// packs x and dy a few rows at a time, so that tiles meet them in the nearest caches, and goes
// through the microbatches one after the other, or where they are short through as many as have few
// enough rows, whose sums are added up in registers. Where several tasks need the same dy, it is
// packed before, for all threads.

namespace lockstep::kernels {
namespace {

constexpr Index kWidth = PanelLayout::kWidth;

struct Operands {
  RowBlocks rows;
  ConstMatrix x;
  ConstMatrix dy;
  PanelLayout layout;            ///< of the weight
  const Real* packed = nullptr;  ///< dy, if packed for all: panel p begins at p * kWidth * rows
};

/// The memory of one thread: bounds that hold for fewer rows and for tasks with fewer panels, too.
struct SumsScratch {
  SumsScratch(Scratch& s, Index rows, Index microbatches, const PanelLayout& w) {
    const Blocking sizes = blocking();
    const Index columns = w.panels() * kWidth;
    const auto take_stack = [&](Index length) {
      return s.take<Real>(OrderedSum::memory_for(microbatches, length));
    };
    x = take_packed(s, std::min(rows * w.rows, std::max(sizes.packed_block, rows * kTileRows)));
    dy = s.take<Real>(sizes.gradient_rows * kWidth).data();
    stack = take_stack(std::min(w.rows * columns, sizes.sums_together));
    tile_stack = take_stack(kTileRows * kTileColumns).data();
    bias_stack = take_stack(columns);
  }

  Real* x;   ///< packed: a few rows, or all
  Real* dy;  ///< packed: a few rows of a panel
  std::span<Real> stack;
  Real* tile_stack;  ///< for the leaves of a group
  std::span<Real> bias_stack;
};

struct WeightGradientScratch {
  WeightGradientScratch(Scratch& s, Index rows, Index microbatches, const PanelLayout& w,
                        bool packs, int threads)
      : packed(s.take<Real>(packs ? rows * w.panels() * kWidth : 0).data()),
        own(s.take_for_threads(threads, Scratch::size_of<SumsScratch>(rows, microbatches, w))) {}

  Real* packed;         ///< dy, for all threads
  std::span<Real> own;  ///< of each thread
};

/// Some rows of panel p of dy.
void pack_panel(const Operands& o, Index p, Range rows, Real* to) {
  pack_rows(o.dy.data + rows.begin * o.dy.columns + p * kWidth, o.dy.columns, rows.size(),
            o.layout.used(p), o.layout.width(p), to);
}

/// Some inputs against some panels, over one block of microbatches.
struct Task {
  const Operands& o;
  const LinearGradient& gradient;
  RowBlocks leaves;
  Strips strips;  ///< of the inputs
  WeightGradientPasses passes;
  bool packs;  ///< x; where it meets one panel only, it is read where it lies
  SumsScratch own;

  [[nodiscard]] Index inputs() const { return passes.inputs; }
  /// Where some rows of x are packed.
  [[nodiscard]] Real* x_at(Range rows) const {
    return own.x + (passes.once() ? 0 : (rows.begin - leaves[0].first) * inputs());
  }
  [[nodiscard]] const Real* dy_at(Index p, Range rows) const {
    if (o.packed != nullptr) {
      return o.packed + p * kWidth * o.x.rows + rows.begin * o.layout.width(p);
    }
    pack_panel(o, p, rows, own.dy);
    return own.dy;
  }
};

/// Where sums go: those of input i and panel p at data + (p - first_panel) * panel_step + (i -
/// first_input) * width of p.
struct Target {
  Real* data = nullptr;
  Index first_panel = 0;
  Index panel_step = 0;
  Index first_input = 0;
  bool add = false;  ///< to what lies there
};

Range rows_in(const RowBlocks& leaves) {
  const RowBlock last = leaves[leaves.size() - 1];
  return {leaves[0].first, last.first + last.count};
}

/// The leaves from `first` on that one task takes together, a block of the tree: as many as have
/// few enough rows. Their sums are added up in registers.
RowBlocks group_from(const Task& t, Index first) {
  const auto group = [&](Index count) {
    return RowBlocks{t.leaves.microbatches.subspan(static_cast<std::size_t>(first),
                                                   static_cast<std::size_t>(count)),
                     t.leaves.positions};
  };
  Index count = 1;
  while (t.leaves[first].index % (2 * count) == 0 && first + 2 * count <= t.leaves.size() &&
         rows_in(group(2 * count)).size() <= t.passes.rows()) {
    count *= 2;
  }
  return group(count);
}

/// Adds some rows of a group, or all, to its sums, which begin with them or `go_on`.
void add_rows(const Task& t, Range panels, const RowBlocks& group, Range rows, const Target& target,
              bool go_on) {
  for (Index p = panels.begin; p < panels.end; ++p) {
    const Index width = t.o.layout.width(p);
    const Real* const dy = t.dy_at(p, rows);
    Real* const to = target.data + (p - target.first_panel) * target.panel_step;
    for (Index s = 0; s < t.strips.count(); ++s) {
      const Index input = t.strips.first(s);
      for (Index column = 0; column < width; column += kTileColumns) {
        Real* const out = to + (input - target.first_input) * width + column;
        const Tile tile{.rows = t.strips.rows(s),
                        .columns = std::min(kTileColumns, width - column),
                        .depth = rows.size(),
                        .a = t.packs ? t.x_at(rows) + (input - t.strips.begin) * rows.size()
                                     : t.o.x.data + rows.begin * t.o.x.columns + input,
                        .a_step = t.packs ? t.strips.rows(s) : t.o.x.columns,
                        .b = dy + column,
                        .b_stride = width,
                        .start = go_on ? out : nullptr,
                        .start_stride = width,
                        .out = out,
                        .out_stride = width,
                        .add = target.add};
        if (group.size() > 1) {
          multiply_tree(tile, group, t.own.tile_stack);
        } else {
          multiply_tile(tile);
        }
      }
    }
  }
}

/// The sums of one group; of a long leaf, a few rows at a time.
void sum_group(const Task& t, Range panels, const RowBlocks& group, const Target& target,
               bool pack_x) {
  const Range all = rows_in(group);
  Range rows{all.begin, all.begin};
  do {
    rows = {rows.end, std::min(rows.end + t.passes.rows(), all.end)};
    if (pack_x && t.packs) {
      pack_strips(t.o.x.data + rows.begin * t.o.x.columns, t.o.x.columns, rows.size(), t.strips,
                  t.x_at(rows));
    }
    add_rows(t, panels, group, rows, target, rows.begin > all.begin);
  } while (rows.end < all.end);
}

/// The sums over all leaves for panels that are taken together.
void sum_panels(const Task& t, Range panels, bool pack_x) {
  const PanelLayout& layout = t.o.layout;
  const Index columns = (panels.size() - 1) * kWidth + layout.width(panels.end - 1);
  const Target dw{.data = t.gradient.dw + layout.begin(panels.begin),
                  .first_panel = panels.begin,
                  .panel_step = layout.begin(1)};
  OrderedSum sum(t.own.stack, t.inputs() * columns);
  Target target{.first_panel = panels.begin,
                .panel_step = t.inputs() * kWidth,
                .first_input = t.strips.begin};
  for (Index i = 0; i < t.leaves.size();) {
    const RowBlocks group = group_from(t, i);
    i += group.size();
    if (group.size() == t.leaves.size()) return sum_group(t, panels, group, dw, pack_x);
    const MicrobatchRange share{group[0].index, group.size()};
    const std::span<Real> pair = sum.partner(share);
    target.add = !pair.empty() && rows_in(group).size() <= t.passes.rows();
    target.data = target.add ? pair.data() : sum.next().data();
    sum_group(t, panels, group, target, pack_x);
    if (target.add) {
      sum.merged(share);
    } else {
      sum.push(share);
    }
  }
  for (Index p = panels.begin; p < panels.end; ++p) {
    std::copy_n(sum.finish().data() + (p - panels.begin) * kWidth * t.inputs(),
                t.inputs() * layout.width(p),
                t.gradient.dw + layout.begin(p) + t.strips.begin * layout.width(p));
  }
}

void sum_inputs(const Operands& o, const LinearGradient& gradient, Range inputs, Range panels,
                bool with_bias, const SumsScratch& own) {
  const RowBlocks leaves = rows_of(o.rows, gradient.block);
  const WeightGradientPasses passes{inputs.size(), panels.size()};
  const Task task{.o = o,
                  .gradient = gradient,
                  .leaves = leaves,
                  .strips = {inputs.begin, inputs.end},
                  .passes = passes,
                  .packs = panels.size() > 1,
                  .own = own};
  for (Index p = panels.begin; p < panels.end; p += passes.panels_together()) {
    sum_panels(task, {p, std::min(p + passes.panels_together(), panels.end)}, p == panels.begin);
  }
  if (with_bias) {
    const Index first = panels.begin * kWidth;
    const Index width = std::min(panels.end * kWidth, o.dy.columns) - first;
    sum_bias(
        leaves, o.dy.data + first, o.dy.columns, width,
        gradient.dbias.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(width)),
        own.bias_stack);
  }
}

}  // namespace

Index linear_weight_gradient_scratch(Index rows, Index microbatches, const PanelLayout& w,
                                     int threads) {
  return Scratch::size_of<WeightGradientScratch>(rows, microbatches, w, true, threads);
}

void linear_weight_gradient(const RowBlocks& rows, ConstMatrix x, ConstMatrix dy,
                            std::span<const LinearGradient> gradients, std::span<Real> scratch) {
  Operands operands{.rows = rows, .x = x, .dy = dy, .layout = {x.columns, dy.columns}};
  assert(x.rows == dy.rows);
  const Index panels = operands.layout.panels();
  const Index threads = thread_count();
  Cut cut = cut_for_threads(x.columns, weight_gradient_inputs(x.rows), panels);
  // Few sums: all inputs are taken by each thread, against panels of its own.
  if (WeightGradientPasses{x.columns, panels}.once() && panels % threads == 0) cut = {1, threads};
  const bool packs = cut.blocks > 1;
  Scratch memory(scratch);
  const WeightGradientScratch room(memory, x.rows, rows.size(), operands.layout, packs,
                                   thread_count());
  if (packs) {
    operands.packed = room.packed;
    parallel_for(pieces_of(x.rows, kNearRows), [&](Index i) {
      const Range near{i * kNearRows, std::min((i + 1) * kNearRows, x.rows)};
      for (Index p = 0; p < panels; ++p) {
        pack_panel(operands, p, near,
                   room.packed + p * kWidth * x.rows + near.begin * operands.layout.width(p));
      }
    });
  }
  parallel_for(static_cast<Index>(gradients.size()) * cut.tasks(), [&](Index i) {
    const LinearGradient& gradient = gradients[static_cast<std::size_t>(i / cut.tasks())];
    const Index block = i % cut.tasks() / cut.groups;
    const Strips strips{0, x.columns};
    const Range part = piece_of(strips.count(), block, cut.blocks);
    Scratch own(scratch_of_thread(room.own));
    sum_inputs(operands, gradient, {strips.first(part.begin), strips.first(part.end)},
               piece_of(panels, i % cut.groups, cut.groups), block == 0 && !gradient.dbias.empty(),
               SumsScratch(own, x.rows, rows.size(), operands.layout));
  });
}

}  // namespace lockstep::kernels
