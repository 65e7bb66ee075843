#include "lockstep/io/hdf5_rows.hpp"

#include <array>
#include <cassert>
#include <numeric>

#include "io/hdf5_file.hpp"
#include "lockstep/io/file.hpp"

namespace lockstep {

Hdf5File open_on_disk(const std::string& file) {
  prepare_hdf5();
  std::array<std::byte, kHdf5Superblock> head{};
  const Index bytes = look_into_file(file, head);
  const Hdf5Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
#if H5_VERSION_GE(1, 10, 7)
  H5Pset_file_locking(access, /*use=*/false, /*ignore_when_disabled=*/true);
#endif
  Hdf5File opened{bytes, file, {H5Fopen(file.c_str(), H5F_ACC_RDONLY, access), H5Fclose}};
  if (opened.file.valid()) return opened;
  throw Error(ExitCode::bad_data,
              fmt::format("{}: not an HDF5 file, or a damaged or truncated one ({} bytes){}", file,
                          bytes, hdf5_diagnosis(head, bytes)));
}

struct Hdf5Rows::State {
  Hdf5File file;
  std::string path;
  Hdf5Handle dataset;
  Hdf5Handle space;  ///< of the file; the rows to read are selected in it
  std::string label;
  std::vector<Index> shape;
  Hdf5Type type;
  bool fits_float;
  Index chunk_rows;
  std::array<hsize_t, H5S_MAX_RANK> start{}, extent{};

  State(Hdf5File opened, const std::string& object)
      : file(std::move(opened)),
        path(object),
        dataset(file.open_dataset(path)),
        space(H5Dget_space(dataset), H5Sclose),
        label(file.label + ": " + path) {
    const Hdf5Handle stored(H5Dget_type(dataset), H5Tclose);
    type = file.kind_of(stored, path);
    fits_float = lockstep::fits_float(stored);
    if (type == Hdf5Type::text) file.reject(path, "expected numbers, found text");
    const auto dimensions = file.dimensions_of(dataset, path);
    if (dimensions.empty()) file.reject(path, "expected rows of numbers, found one number");
    static_cast<void>(
        file.count_of(dataset, stored, type == Hdf5Type::u8 ? 1 : sizeof(float), path));
    shape.assign(dimensions.begin(), dimensions.end());
    std::ranges::copy(dimensions, extent.begin());
    chunk_rows = rows_of_chunk();
  }

  [[nodiscard]] Index rows_of_chunk() const {
    const Hdf5Handle properties(H5Dget_create_plist(dataset), H5Pclose);
    std::array<hsize_t, H5S_MAX_RANK> chunk{};
    if (H5Pget_layout(properties) != H5D_CHUNKED ||
        H5Pget_chunk(properties, H5S_MAX_RANK, chunk.data()) < 1) {
      return 1;
    }
    return std::clamp<Index>(static_cast<Index>(chunk[0]), 1, std::max<Index>(shape[0], 1));
  }

  [[nodiscard]] Index row_numbers() const {
    return std::accumulate(shape.begin() + 1, shape.end(), Index{1}, std::multiplies());
  }

  void read(Index first, Index count, hid_t memory_type, std::size_t numbers, void* out) {
    assert(0 <= first && 0 <= count && first + count <= shape[0]);
    assert(static_cast<Index>(numbers) == count * row_numbers());
    if (numbers == 0) return;
    start[0] = static_cast<hsize_t>(first);
    extent[0] = static_cast<hsize_t>(count);
    const hsize_t length = numbers;
    const Hdf5Handle memory(H5Screate_simple(1, &length, nullptr), H5Sclose);
    if (H5Sselect_hyperslab(space, H5S_SELECT_SET, start.data(), nullptr, extent.data(), nullptr) <
            0 ||
        H5Dread(dataset, memory_type, memory, space, H5P_DEFAULT, out) < 0) {
      file.reject(path, fmt::format("cannot read rows {} to {}: the file is damaged, or reading it "
                                    "failed",
                                    first, first + count - 1));
    }
  }
};

Hdf5Rows::Hdf5Rows(const std::string& file, const std::string& path) {
  const Hdf5Lock lock;
  state_ = std::make_unique<State>(open_on_disk(file), path);
}
Hdf5Rows::Hdf5Rows(Hdf5Rows&&) noexcept = default;
Hdf5Rows& Hdf5Rows::operator=(Hdf5Rows&& other) noexcept {
  state_.swap(other.state_);
  return *this;
}
Hdf5Rows::~Hdf5Rows() {
  const Hdf5Lock lock;
  state_.reset();
}

const std::string& Hdf5Rows::file() const { return state_->file.label; }
const std::string& Hdf5Rows::label() const { return state_->label; }
const std::vector<Index>& Hdf5Rows::shape() const { return state_->shape; }
Hdf5Type Hdf5Rows::type() const { return state_->type; }
bool Hdf5Rows::fits_float() const { return state_->fits_float; }
Index Hdf5Rows::row_numbers() const { return state_->row_numbers(); }
Index Hdf5Rows::chunk_rows() const { return state_->chunk_rows; }

void Hdf5Rows::read(Index first, Index count, std::span<float> out) const {
  const Hdf5Lock lock;
  state_->read(first, count, H5T_NATIVE_FLOAT, out.size(), out.data());
}

void Hdf5Rows::read(Index first, Index count, std::span<double> out) const {
  const Hdf5Lock lock;
  state_->read(first, count, H5T_NATIVE_DOUBLE, out.size(), out.data());
}

void Hdf5Rows::read(Index first, Index count, std::span<std::uint8_t> out) const {
  const Hdf5Lock lock;
  assert(state_->type == Hdf5Type::u8);
  state_->read(first, count, H5T_NATIVE_UINT8, out.size(), out.data());
}

}  // namespace lockstep
