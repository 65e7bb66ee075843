#include "data/image_files.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "data/labelled_files.hpp"
#include "data/loaders.hpp"
#include "lockstep/base/error.hpp"

namespace lockstep {
namespace {

std::string shape_text(const Shape& s) {
  return fmt::format("{} x {} x {}", s.height, s.width, s.channels);
}

}  // namespace

Dataset load_images(const Source& source, const std::vector<std::string>& files,
                    Image (*read)(const DataFile&)) {
  const LabelledFiles set = with_labels(source, files);
  Image image = read(read_data_file(files.front()));
  const DatasetHeader header{
      .shape = image.shape,
      .size = static_cast<Index>(files.size()),
      .input_type = InputType::bytes,
      .target_kind = source.classification ? TargetKind::labels : TargetKind::values};
  Dataset dataset(source.path, header);
  auto out = dataset.input_bytes().begin();
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (i > 0) image = read(read_data_file(files[i]));
    if (!(image.shape == header.shape)) {
      throw Error(
          ExitCode::bad_data,
          fmt::format("{}: expected {} (height, width, channels) as in {}, found {}; bring "
                      "all images to one size and all to colour or to grey",
                      files[i], shape_text(header.shape), files.front(), shape_text(image.shape)));
    }
    out = std::ranges::copy(image.pixels, out).out;
  }
  store_targets(source, set, dataset);
  return dataset;
}

}  // namespace lockstep
