#include "lockstep/nn/parameter_table.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "lockstep/base/buffer.hpp"
#include "lockstep/nn/file_layout.hpp"

namespace lockstep {
namespace {

kernels::PanelLayout panels_of(const ParameterSpec& spec) {
  assert(spec.panels && spec.shape.size() >= 2 && spec.shape.back() > 0);
  return {spec.size() / spec.shape.back(), spec.shape.back()};
}

// One axis of the tensor in files.
struct FileAxis {
  Index size;
  Index stride;                  ///< in numbers of elements
  std::span<const Index> order;  ///< of FileOrder; empty: as here

  /// How far entry `k` of the file is from the first element.
  [[nodiscard]] Index at(Index k) const {
    return stride * (order.empty() ? k : order[static_cast<std::size_t>(k)]);
  }
  /// How many entries from `k` on are evenly spaced.
  [[nodiscard]] Index even(Index k) const {
    if (order.empty() || k + 2 >= size) return size - k;
    Index end = k + 2;
    while (end < size && at(end) - at(end - 1) == at(k + 1) - at(k)) ++end;
    return end - k;
  }
};

std::vector<FileAxis> file_axes_of(const ParameterSpec& spec, const FileOrder& order) {
  assert(order.empty() || order.size() == spec.shape.size());
  std::vector<Index> own(spec.shape.size(), 1);
  for (std::size_t i = spec.shape.size() - 1; i > 0; --i) own[i - 1] = own[i] * spec.shape[i];
  std::vector<FileAxis> axes;
  for (const int number : spec.file_axes) {
    const auto axis = static_cast<std::size_t>(number);
    axes.push_back({spec.shape[axis], own[axis], {}});
    if (!order.empty()) axes.back().order = order[axis];
    assert(axes.back().order.empty() ||
           axes.back().order.size() == static_cast<std::size_t>(axes.back().size));
  }
  return axes;
}

// Numbers that follow each other in a file and lie evenly in the flat buffer.
struct Run {
  Index file;    ///< position of the first in the file's order
  Index stored;  ///< and in the flat buffer
  Index step;    ///< in the flat buffer
  Index count;
};

// Calls visit(Run) for the runs of one line along the last axis of the file. Along rows of panels
// numbers are neighbours only within a panel, and only in our order.
template <typename Visit>
void for_each_run_of_line(const Parameter& parameter, const FileAxis& last, Index file,
                          Index element, const Visit& visit) {
  const ParameterSpec& spec = parameter.spec;
  const bool along_panels = spec.panels && last.stride == 1;
  const Index most = !along_panels        ? last.size
                     : last.order.empty() ? kernels::PanelLayout::kWidth
                                          : 1;
  for (Index k = 0, count = 0; k < last.size; k += count) {
    count = std::min(most, last.even(k));
    const Index stored = spec.stored_at(element + last.at(k));
    const Index step = count > 1 ? spec.stored_at(element + last.at(k + 1)) - stored : 1;
    visit(Run{file + k, parameter.offset + stored, step, count});
  }
}

// Calls visit(Run) for runs that are the whole tensor, in the order of the file.
template <typename Visit>
void for_each_run(const Parameter& parameter, const FileOrder& order, const Visit& visit) {
  const std::vector<FileAxis> axes = file_axes_of(parameter.spec, order);
  std::vector<Index> at(axes.size(), 0);
  for (Index file = 0, n = parameter.spec.size(); file < n; file += axes.back().size) {
    Index element = 0;
    for (std::size_t axis = 0; axis + 1 < axes.size(); ++axis) element += axes[axis].at(at[axis]);
    for_each_run_of_line(parameter, axes.back(), file, element, visit);
    for (std::size_t axis = axes.size() - 1; axis-- > 0;) {
      if (++at[axis] < axes[axis].size) break;
      at[axis] = 0;
    }
  }
}

// Those numbers of a run that lie in a part of the flat buffer.
Run within(const Run& run, Range range) {
  assert(run.step > 0);
  // How many of the run lie before a place.
  const auto before = [&](Index place) {
    return place <= run.stored ? Index{0}
                               : std::min(pieces_of(place - run.stored, run.step), run.count);
  };
  const Index first = before(range.begin);
  return {run.file + first, run.stored + first * run.step, run.step, before(range.end) - first};
}

// The numbers of a run, of which the first lies at `from`, to their places in the file's order.
void write_run(const Run& run, const Real* from, std::span<std::byte> out) {
  constexpr Index kSize = sizeof(Real);
  std::byte* const to = out.data() + run.file * kSize;
  if (run.step == 1) {
    std::memcpy(to, from, static_cast<std::size_t>(run.count * kSize));
  } else {
    for (Index i = 0; i < run.count; ++i) std::memcpy(to + i * kSize, from + i * run.step, kSize);
  }
}

}  // namespace

Index ParameterSpec::size() const {
  Index n = 1;
  for (const Index d : shape) n *= d;
  return n;
}

Role ParameterSpec::role() const {
  if (averaging > 0) return Role::statistic;
  return shape.size() > 1 ? Role::weight : Role::bias;
}

Index ParameterSpec::stored_size() const { return panels ? panels_of(*this).size() : size(); }

Index ParameterSpec::stored_at(Index index) const {
  if (!panels) return index;
  const kernels::PanelLayout layout = panels_of(*this);
  return layout.at(index / layout.columns, index % layout.columns);
}

std::vector<Index> Parameter::file_shape() const {
  std::vector<Index> shape;
  for (const int axis : spec.file_axes) {
    shape.push_back(spec.shape[static_cast<std::size_t>(axis)]);
  }
  return shape;
}

std::vector<Index> ParameterTable::add(const std::string& layer,
                                       const std::vector<ParameterSpec>& specs) {
  std::vector<Index> offsets;
  for (const ParameterSpec& spec : specs) {
    assert(spec.shape.size() == spec.file_axes.size() && !spec.shape.empty());
    offsets.push_back(size_);
    parameters_.push_back({layer + "." + spec.name, size_, spec});
    size_ += aligned<Real>(spec.stored_size());
  }
  return offsets;
}

Index ParameterTable::count() const {
  Index count = 0;
  for (const Parameter& p : parameters_) {
    if (p.spec.role() != Role::statistic) count += p.spec.size();
  }
  return count;
}

std::vector<RoleRange> ParameterTable::roles() const {
  std::vector<RoleRange> parts;
  for (const Parameter& p : parameters_) {
    const Index end = p.offset + aligned<Real>(p.spec.stored_size());
    const Role role = p.spec.role();
    const bool goes_on =
        !parts.empty() && parts.back().role == role && parts.back().averaging == p.spec.averaging;
    if (goes_on) {
      parts.back().range.end = end;
    } else {
      parts.push_back({{p.offset, end}, role, p.spec.averaging});
    }
  }
  return parts;
}

void ParameterTable::initialize(std::uint64_t seed, std::span<Real> flat, Index part,
                                Index parts) const {
  assert(static_cast<Index>(flat.size()) == size_);
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const Parameter& p = parameters_[i];
    const RandomKey key{
        .seed = seed, .purpose = RandomPurpose::initialization, .a = static_cast<std::uint32_t>(i)};
    const Range elements = piece_of(p.spec.size(), part, parts);
    std::vector<Real> values(static_cast<std::size_t>(elements.size()));
    lockstep::initialize(p.spec.initializer, key, values, elements.begin);
    for (Index e = elements.begin; e < elements.end; ++e) {
      flat[static_cast<std::size_t>(p.offset + p.spec.stored_at(e))] =
          values[static_cast<std::size_t>(e - elements.begin)];
    }
  }
}

void to_file_layout(const Parameter& parameter, std::span<const Real> flat,
                    std::span<std::byte> out, const FileOrder& order) {
  for_each_run(parameter, order,
               [&](const Run& run) { write_run(run, flat.data() + run.stored, out); });
}

void to_file_layout(const Parameter& parameter, Range range, std::span<const Real> values,
                    std::span<std::byte> out) {
  for_each_run(parameter, {}, [&](const Run& run) {
    const Run part = within(run, range);
    if (part.count > 0) write_run(part, values.data() + (part.stored - range.begin), out);
  });
}

void from_file_layout(const Parameter& parameter, std::span<const Real> in, std::span<Real> flat,
                      const FileOrder& order) {
  for_each_run(parameter, order, [&](const Run& run) {
    const Real* const from = in.data() + run.file;
    Real* const to = flat.data() + run.stored;
    for (Index i = 0; i < run.count; ++i) to[i * run.step] = from[i];
  });
}

}  // namespace lockstep
