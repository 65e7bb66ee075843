#include <fmt/format.h>

#include "data/loaders.hpp"
#include "lockstep/base/error.hpp"

namespace lockstep {
namespace {

/// A record: the label, then the planes of red, green and blue.
constexpr Index kSide = 32;
constexpr Index kPlane = kSide * kSide;
constexpr Index kColours = 3;
constexpr Index kRecord = 1 + kColours * kPlane;
constexpr int kClasses = 10;

}  // namespace

Dataset load_cifar10(const Source& source, const DataFile& file) {
  const auto bytes = static_cast<Index>(file.bytes.size());
  if (bytes == 0 || bytes % kRecord != 0) {
    throw Error(ExitCode::bad_data,
                fmt::format("{}: expected records of {} bytes, a label and 3 x 32 x 32 bytes of "
                            "colour; found {} bytes, {} more than {} records{}",
                            file.path, kRecord, bytes, bytes % kRecord, bytes / kRecord,
                            bytes > 0 && bytes % (kRecord + 1) == 0
                                ? "; CIFAR-100, of two labels in each, is not read"
                                : ""));
  }
  DatasetHeader header;
  header.shape = {kSide, kSide, kColours};
  header.size = bytes / kRecord;
  header.input_type = InputType::bytes;
  header.target_kind = source.classification ? TargetKind::labels : TargetKind::values;
  Dataset dataset(file.path, header);
  std::uint8_t* out = dataset.byte_inputs().data();
  for (Index i = 0; i < header.size; ++i) {
    const auto* record = reinterpret_cast<const std::uint8_t*>(file.bytes.data()) + i * kRecord;
    if (record[0] >= kClasses) {
      throw Error(ExitCode::bad_data,
                  fmt::format("{}: offset {}: expected a label from 0 to 9 for sample {}, found {}",
                              file.path, i * kRecord, i, record[0]));
    }
    for (Index pixel = 0; pixel < kPlane; ++pixel) {
      for (Index c = 0; c < kColours; ++c) *out++ = record[1 + c * kPlane + pixel];
    }
    if (source.inputs_only) continue;
    if (source.classification) {
      dataset.labels()[static_cast<std::size_t>(i)] = record[0];
    } else {
      dataset.values()[static_cast<std::size_t>(i)] = record[0];
    }
  }
  return dataset;
}

}  // namespace lockstep
