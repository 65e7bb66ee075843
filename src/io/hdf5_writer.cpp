#include <fmt/format.h>

#include <bit>
#include <cassert>

#include "io/hdf5_handle.hpp"
#include "lockstep/base/error.hpp"
#include "lockstep/io/hdf5.hpp"

namespace lockstep {
namespace {

/// How much the core driver's memory grows at a time.
constexpr std::size_t kIncrement = std::size_t{4} << 20;

[[noreturn]] void fail(const std::string& action, const std::string& path) {
  throw Error(ExitCode::internal, fmt::format("HDF5 cannot {} {}", action, path));
}

Hdf5Handle make_file(const void* owner) {
  prepare_hdf5();
  const Hdf5Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  if (H5Pset_fapl_core(access, kIncrement, /*backing_store=*/0) < 0 ||
      H5Pset_libver_bounds(access, H5F_LIBVER_EARLIEST, H5F_LIBVER_LATEST) < 0 ||
      H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) < 0) {
    fail("set up", "a file in memory");
  }
  Hdf5Handle file(H5Fcreate(no_such_file(owner).c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access),
                  H5Fclose);
  if (!file.valid()) fail("create", "a file in memory");
  return file;
}

/// Missing groups on the way to an object are made along with it.
Hdf5Handle link_properties() {
  Hdf5Handle properties(H5Pcreate(H5P_LINK_CREATE), H5Pclose);
  H5Pset_create_intermediate_group(properties, 1);
  return properties;
}

Hdf5Handle dataset_properties() {
  Hdf5Handle properties(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  H5Pset_obj_track_times(properties, false);
  return properties;
}

/// UTF-8 text of fixed length; HDF5 has no length 0, so that empty text is one zero byte.
Hdf5Handle text_type(std::size_t length) {
  Hdf5Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  if (H5Tset_size(type, length == 0 ? 1 : length) < 0 || H5Tset_strpad(type, H5T_STR_NULLPAD) < 0 ||
      H5Tset_cset(type, H5T_CSET_UTF8) < 0) {
    fail("make", "a text type");
  }
  return type;
}

Hdf5Handle scalar_space() { return {H5Screate(H5S_SCALAR), H5Sclose}; }

void write_attribute(hid_t object, const std::string& name, hid_t file_type, hid_t memory_type,
                     const void* value) {
  const Hdf5Handle space = scalar_space();
  const Hdf5Handle attribute(
      H5Acreate2(object, name.c_str(), file_type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  if (!attribute.valid() || H5Awrite(attribute, memory_type, value) < 0) {
    fail("write attribute", name);
  }
}

void write_text_attribute(hid_t object, const std::string& name, const std::string& value) {
  const Hdf5Handle type = text_type(value.size());
  write_attribute(object, name, type, type, value.c_str());
}

/// The attribute that HDF5's dimension scale library uses, written without that library.
void write_labels(hid_t dataset, std::span<const std::string> labels, const std::string& path) {
  std::vector<const char*> pointers;
  for (const std::string& label : labels) pointers.push_back(label.c_str());
  const Hdf5Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type, H5T_VARIABLE);
  const hsize_t count = pointers.size();
  const Hdf5Handle space(H5Screate_simple(1, &count, nullptr), H5Sclose);
  const Hdf5Handle attribute(
      H5Acreate2(dataset, "DIMENSION_LABELS", type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  if (!attribute.valid() || H5Awrite(attribute, type, pointers.data()) < 0) {
    fail("label the dimensions of", path);
  }
}

Hdf5Handle make_array(hid_t file, const std::string& path, std::span<const Index> shape,
                      hid_t file_type, hid_t properties) {
  const std::vector<hsize_t> dimensions(shape.begin(), shape.end());
  const Hdf5Handle space(dimensions.empty() ? H5Screate(H5S_SCALAR)
                                            : H5Screate_simple(static_cast<int>(dimensions.size()),
                                                               dimensions.data(), nullptr),
                         H5Sclose);
  const Hdf5Handle links = link_properties();
  Hdf5Handle dataset(
      H5Dcreate2(file, path.c_str(), file_type, space, links, properties, H5P_DEFAULT), H5Dclose);
  if (!dataset.valid()) fail("create", path);
  return dataset;
}

/// The memory of the whole file: it moves when the file grows.
std::byte* memory_of(hid_t file) {
  void* memory = nullptr;
  if (H5Fget_vfd_handle(file, H5P_DEFAULT, &memory) < 0) fail("find", "a file in memory");
  return *static_cast<std::byte**>(memory);
}

void write_one(hid_t dataset, std::span<const hsize_t> at, float value) {
  const Hdf5Handle everywhere(H5Dget_space(dataset), H5Sclose);
  const Hdf5Handle here = scalar_space();
  if (H5Sselect_elements(everywhere, H5S_SELECT_SET, 1, at.data()) < 0 ||
      H5Dwrite(dataset, H5T_NATIVE_FLOAT, here, everywhere, H5P_DEFAULT, &value) < 0) {
    fail("write", "the last number of an array");
  }
}

void write_array(hid_t file, const std::string& path, std::span<const Index> shape,
                 std::span<const std::string> labels, hid_t file_type, hid_t memory_type,
                 const void* values) {
  const Hdf5Handle dataset = make_array(file, path, shape, file_type, dataset_properties());
  if (H5Dwrite(dataset, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0)
    fail("write", path);
  if (!labels.empty()) write_labels(dataset, labels, path);
}

template <typename T>
bool holds(std::span<const Index> shape, std::span<const T> values) {
  std::size_t count = 1;
  for (const Index dimension : shape) count *= static_cast<std::size_t>(dimension);
  return count == values.size();
}

}  // namespace

struct Hdf5Writer::State {
  Hdf5Handle file = make_file(this);
};

Hdf5Writer::Hdf5Writer() {
  const Hdf5Lock lock;
  state_ = std::make_unique<State>();
}
Hdf5Writer::Hdf5Writer(Hdf5Writer&&) noexcept = default;
Hdf5Writer& Hdf5Writer::operator=(Hdf5Writer&& other) noexcept {
  state_.swap(other.state_);
  return *this;
}
Hdf5Writer::~Hdf5Writer() {
  const Hdf5Lock lock;
  state_.reset();
}

void Hdf5Writer::group(const std::string& path) {
  const Hdf5Lock lock;
  const Hdf5Handle links = link_properties();
  const Hdf5Handle made(H5Gcreate2(state_->file, path.c_str(), links, H5P_DEFAULT, H5P_DEFAULT),
                        H5Gclose);
  if (!made.valid()) fail("create group", path);
}

void Hdf5Writer::attribute(const std::string& path, const std::string& name,
                           const Hdf5Attribute& value) {
  const Hdf5Lock lock;
  const Hdf5Handle object(H5Oopen(state_->file, path.c_str(), H5P_DEFAULT), H5Oclose);
  if (!object.valid()) fail("find", path);
  if (const auto* text = std::get_if<std::string>(&value)) {
    write_text_attribute(object, name, *text);
  } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    write_attribute(object, name, H5T_STD_I64LE, H5T_NATIVE_INT64, integer);
  } else if (const auto* count = std::get_if<std::uint64_t>(&value)) {
    write_attribute(object, name, H5T_STD_U64LE, H5T_NATIVE_UINT64, count);
  } else {
    write_attribute(object, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &std::get<double>(value));
  }
}

void Hdf5Writer::dataset(const std::string& path, std::span<const Index> shape,
                         std::span<const float> values, std::span<const std::string> labels) {
  const Hdf5Lock lock;
  assert(holds(shape, values));
  write_array(state_->file, path, shape, labels, H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, values.data());
}

void Hdf5Writer::dataset(const std::string& path, std::span<const Index> shape,
                         std::span<const double> values, std::span<const std::string> labels) {
  const Hdf5Lock lock;
  assert(holds(shape, values));
  write_array(state_->file, path, shape, labels, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, values.data());
}

void Hdf5Writer::dataset(const std::string& path, std::span<const Index> shape,
                         std::span<const std::int64_t> values,
                         std::span<const std::string> labels) {
  const Hdf5Lock lock;
  assert(holds(shape, values));
  write_array(state_->file, path, shape, labels, H5T_STD_I64LE, H5T_NATIVE_INT64, values.data());
}

void Hdf5Writer::dataset(const std::string& path, std::span<const Index> shape,
                         std::span<const std::uint8_t> values,
                         std::span<const std::string> labels) {
  const Hdf5Lock lock;
  assert(holds(shape, values));
  write_array(state_->file, path, shape, labels, H5T_STD_U8LE, H5T_NATIVE_UINT8, values.data());
}

Index Hdf5Writer::make_dataset(const std::string& path, std::span<const Index> shape) {
  static_assert(std::endian::native == std::endian::little);
  const Hdf5Lock lock;
  const Hdf5Handle properties = dataset_properties();
  H5Pset_alloc_time(properties, H5D_ALLOC_TIME_EARLY);
  haddr_t offset = HADDR_UNDEF;
  {
    const Hdf5Handle dataset = make_array(state_->file, path, shape, H5T_IEEE_F32LE, properties);
    std::vector<hsize_t> last;
    for (const Index dimension : shape) last.push_back(static_cast<hsize_t>(dimension - 1));
    // The memory grows with what is written only; closed, nothing of it is cached any more.
    write_one(dataset, last, 0.0f);
    offset = H5Dget_offset(dataset);
  }
  if (offset == HADDR_UNDEF) fail("find room for", path);
  return static_cast<Index>(offset);
}

std::span<std::byte> Hdf5Writer::bytes(Index offset, Index count) {
  const Hdf5Lock lock;
  return {memory_of(state_->file) + offset, static_cast<std::size_t>(count)};
}

void Hdf5Writer::text(const std::string& path, std::string_view value) {
  const Hdf5Lock lock;
  const std::string terminated(value);  // empty text is written as its terminating zero
  const Hdf5Handle type = text_type(value.size());
  write_array(state_->file, path, {}, {}, type, type, terminated.c_str());
}

std::span<const std::byte> Hdf5Writer::finish() {
  const Hdf5Lock lock;
  if (H5Fflush(state_->file, H5F_SCOPE_GLOBAL) < 0) fail("finish", "a file in memory");
  const ssize_t size = H5Fget_file_image(state_->file, nullptr, 0);
  if (size <= 0) fail("measure", "a file in memory");
  return {memory_of(state_->file), static_cast<std::size_t>(size)};
}

}  // namespace lockstep
