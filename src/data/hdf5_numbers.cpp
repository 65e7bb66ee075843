#include "data/hdf5_numbers.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <span>

#include "data/digits.hpp"
#include "data/hdf5_sets.hpp"
#include "lockstep/base/error.hpp"

namespace lockstep {

JoinedNumbers::JoinedNumbers(const Source& source, const std::vector<std::string>& files,
                             const std::string& path)
    : array{
          fmt::format("{}: {}", source.path, path), {}, NumberType::f64, std::endian::native, {}} {
  std::vector<ClassesOfFile> classes;
  std::vector<std::size_t> begins;
  for (const std::string& file : files) {
    begins.push_back(values_.size());
    classes.push_back({file, append(source, file, path)});
  }
  begins.push_back(values_.size());
  class_names = classes_of_all(classes, source.class_names);
  for (std::size_t i = 0; i < classes.size(); ++i) {
    number_anew(std::span(values_).subspan(begins[i], begins[i + 1] - begins[i]), classes[i].names,
                class_names);
  }
  array.data = std::as_bytes(std::span(values_));
}

void JoinedNumbers::set_offsets(const Offsets& offsets) {
  array.offsets = offsets;
  const auto& d = array.dimensions;
  if (!offsets.find || d.empty()) return;
  DigitWatch watch(std::accumulate(d.begin() + 1, d.end(), Index{1}, std::multiplies<>()));
  for (const double value : std::span(values_).first(first_)) watch.add(value);
  array.offsets = {false, watch.offsets()};
}

std::vector<std::string> JoinedNumbers::append(const Source& source, const std::string& file,
                                               const std::string& path) {
  std::vector<std::string> names;
  const Hdf5Reader reader = Hdf5Reader::on_disk(file);
  const std::vector<Index> shape = reader.shape_of(path);
  const std::vector<double> part = hdf5_targets(reader, source, file, path, names);
  const auto row = [](std::span<const Index> s) { return s.subspan(s.empty() ? 0 : 1); };
  if (values_.empty()) {
    array.dimensions = shape;
    first_ = part.size();
  } else if (shape.size() != array.dimensions.size() || shape.empty() ||
             !std::ranges::equal(row(shape), row(array.dimensions))) {
    throw Error(ExitCode::bad_data,
                fmt::format("{}: {}: expected one shape in all files, found ({}) after ({})", file,
                            path, fmt::join(shape, ", "), fmt::join(array.dimensions, ", ")));
  } else {
    array.dimensions[0] += shape[0];
  }
  values_.insert(values_.end(), part.begin(), part.end());
  return names;
}

}  // namespace lockstep
