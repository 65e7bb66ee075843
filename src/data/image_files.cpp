#include "data/image_files.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "data/file_tally.hpp"
#include "data/labelled_files.hpp"
#include "data/loaders.hpp"
#include "lockstep/base/error.hpp"

namespace lockstep {
namespace {

std::string shape_text(const Shape& s) {
  return fmt::format("{} x {} x {}", s.height, s.width, s.channels);
}

Dataset as_floats(const Dataset& bytes) {
  DatasetHeader header = bytes.describe();
  header.input_type = InputType::floats;
  Dataset floats(bytes.name(), header);
  std::ranges::copy(bytes.byte_inputs(), floats.float_inputs().begin());
  return floats;
}

/// The samples, and of how many images something was lost.
class ImageSet {
 public:
  ImageSet(const Source& source, const Image& first, std::size_t count)
      : dataset_(source.path,
                 {.shape = first.shape,
                  .size = static_cast<Index>(count),
                  .input_type = first.fine.empty() ? InputType::bytes : InputType::floats,
                  .target_kind = source.classification ? TargetKind::labels : TargetKind::values}) {
  }

  void store(std::size_t i, const Image& image, const std::string& file) {
    if (!image.fine.empty()) fine_.add(file);
    if (image.transparent) transparent_.add(file);
    if (image.followed) followed_.add(file);
    const bool floats = dataset_.describe().input_type == InputType::floats;
    if (!floats && !image.fine.empty()) dataset_ = as_floats(dataset_);
    const auto width = static_cast<std::size_t>(image.shape.size());
    if (dataset_.describe().input_type == InputType::bytes) {
      std::ranges::copy(image.pixels, dataset_.input_bytes().subspan(i * width).begin());
      return;
    }
    const auto out = dataset_.float_inputs().subspan(i * width).begin();
    std::ranges::copy(image.fine, out);
    std::ranges::transform(image.pixels, out,
                           [](std::byte b) { return static_cast<float>(std::to_integer<int>(b)); });
  }

  Dataset finish() {
    const auto count = static_cast<std::size_t>(dataset_.size());
    const auto note = [&](const FileTally& tally, const char* what) {
      if (tally.empty()) return;
      dataset_.add_notes({fmt::format("{}: {} {}: {}", dataset_.name(), tally.of(count, "images"),
                                      what, tally.first())});
    };
    note(fine_, "with more than 8 bits, kept as reals from 0 (dark) to 255");
    note(transparent_, "transparent in parts, of which only the colours are taken");
    note(followed_, "with more behind the first picture, which is left out");
    return std::move(dataset_);
  }

 private:
  Dataset dataset_;
  FileTally fine_, transparent_, followed_;
};

}  // namespace

Dataset load_images(const Source& source, const std::vector<std::string>& files,
                    Image (*read)(const DataFile&)) {
  const LabelledFiles set = with_labels(source, files);
  Image image = read(read_data_file(files.front()));
  const Shape shape = image.shape;
  ImageSet images(source, image, files.size());
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (i > 0) image = read(read_data_file(files[i]));
    if (!(image.shape == shape)) {
      throw Error(ExitCode::bad_data,
                  fmt::format("{}: expected {} (height, width, channels) as in {}, found {}; bring "
                              "all images to one size and all to colour or to grey",
                              files[i], shape_text(shape), files.front(), shape_text(image.shape)));
    }
    images.store(i, image, files[i]);
  }
  Dataset dataset = images.finish();
  store_targets(source, set, dataset);
  return dataset;
}

}  // namespace lockstep
