#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "io/hdf5_file.hpp"

namespace lockstep {
namespace {

// libhdf5 would copy an image three times. These callbacks lend it the one there is: it may only
// read.
void* lend(size_t, H5FD_file_image_op_t, void* image) { return image; }
void* keep_in_place(void* destination, const void*, size_t, H5FD_file_image_op_t, void*) {
  return destination;
}
herr_t take_back(void*, H5FD_file_image_op_t, void*) { return 0; }
void* same_owner(void* image) { return image; }
herr_t release_owner(void*) { return 0; }

Hdf5Handle open_image(std::span<const std::byte> image) {
  prepare_hdf5();
  auto* bytes =
      const_cast<std::byte*>(image.data());  // the C interface has no const; opened read-only
  H5FD_file_image_callbacks_t callbacks{lend,       keep_in_place, nullptr, take_back,
                                        same_owner, release_owner, bytes};
  const Hdf5Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  if (H5Pset_fapl_core(access, 1 << 16, /*backing_store=*/0) < 0 ||
      H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) < 0 ||
      H5Pset_file_image_callbacks(access, &callbacks) < 0 ||
      H5Pset_file_image(access, bytes, image.size()) < 0) {
    return {H5I_INVALID_HID, H5Fclose};
  }
  return {H5Fopen(no_such_file(bytes).c_str(), H5F_ACC_RDONLY, access), H5Fclose};
}

}  // namespace

struct Hdf5Reader::State : Hdf5File {
  template <typename T>
  [[nodiscard]] std::vector<T> read(const std::string& path, hid_t memory_type) const {
    const Hdf5Handle dataset = open_dataset(path);
    const Hdf5Handle type(H5Dget_type(dataset), H5Tclose);
    const Hdf5Type kind = kind_of(type, path);
    if (kind == Hdf5Type::text || (kind == Hdf5Type::real && std::is_integral_v<T>)) {
      reject(path,
             fmt::format("expected {}, found {}", std::is_integral_v<T> ? "integers" : "numbers",
                         kind == Hdf5Type::text ? "text" : "reals"));
    }
    if constexpr (std::is_same_v<T, std::uint8_t>) {
      if (kind != Hdf5Type::u8) reject(path, "expected bytes, found larger integers");
    }
    std::vector<T> values(count_of(dataset, type, sizeof(T), path));
    if (!values.empty() &&
        H5Dread(dataset, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) < 0) {
      reject(path, "unreadable, the file is damaged");
    }
    return values;
  }

  [[nodiscard]] Hdf5Handle open_attribute(const std::string& path, const std::string& name) const {
    const Hdf5Handle object = open(path);
    Hdf5Handle attribute(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose);
    if (!attribute.valid()) {
      reject(path, fmt::format("expected an attribute {}, found none", name));
    }
    const Hdf5Handle space(H5Aget_space(attribute), H5Sclose);
    if (H5Sget_simple_extent_npoints(space) != 1) {
      reject(path, fmt::format("expected one value in attribute {}, found several", name));
    }
    return attribute;
  }

  template <typename T>
  [[nodiscard]] T read_attribute(hid_t attribute, hid_t memory_type,
                                 const std::string& path) const {
    T value{};
    if (H5Aread(attribute, memory_type, &value) < 0) reject(path, "an attribute is unreadable");
    return value;
  }

  [[nodiscard]] std::string read_text_attribute(hid_t attribute, hid_t type,
                                                const std::string& path) const {
    if (H5Tis_variable_str(type) > 0) reject(path, "expected text of fixed length as attribute");
    const std::size_t size = H5Tget_size(type);
    if (static_cast<Index>(size) > bytes) reject(path, "an attribute is longer than the file");
    std::string value(size, '\0');
    if (H5Aread(attribute, type, value.data()) < 0) reject(path, "an attribute is unreadable");
    return unpadded(value, type);
  }
};

Hdf5Reader::Hdf5Reader(std::span<const std::byte> image, std::string label) {
  const Hdf5Lock lock;
  state_ = std::make_unique<State>(
      State{{static_cast<Index>(image.size()), std::move(label), open_image(image)}});
  if (!state_->file.valid()) {
    throw Error(ExitCode::bad_data,
                fmt::format("{}: not an HDF5 file, or a damaged one ({} bytes){}", state_->label,
                            image.size(), hdf5_diagnosis(image, state_->bytes)));
  }
}
Hdf5Reader::Hdf5Reader(std::unique_ptr<State> state) : state_(std::move(state)) {}
Hdf5Reader Hdf5Reader::on_disk(const std::string& file) {
  const Hdf5Lock lock;
  return Hdf5Reader(std::make_unique<State>(State{open_on_disk(file)}));
}
Hdf5Reader::Hdf5Reader(Hdf5Reader&&) noexcept = default;
Hdf5Reader& Hdf5Reader::operator=(Hdf5Reader&& other) noexcept {
  state_.swap(other.state_);
  return *this;
}
Hdf5Reader::~Hdf5Reader() {
  const Hdf5Lock lock;
  state_.reset();
}

std::vector<std::string> Hdf5Reader::list(const std::string& group) const {
  const Hdf5Lock lock;
  const Hdf5Handle object = state_->open(group);
  if (H5Iget_type(object) != H5I_GROUP) state_->reject(group, "expected a group, found a dataset");
  const auto add_name = [](hid_t, const char* name, const H5L_info_t*, void* names) -> herr_t {
    static_cast<std::vector<std::string>*>(names)->emplace_back(name);
    return 0;
  };
  std::vector<std::string> names;
  if (H5Literate(object, H5_INDEX_NAME, H5_ITER_INC, nullptr, add_name, &names) < 0) {
    state_->reject(group, "unreadable, the file is damaged");
  }
  return names;
}

bool Hdf5Reader::has(const std::string& path) const {
  const Hdf5Lock lock;
  return state_->leads_somewhere(path);
}

std::vector<Index> Hdf5Reader::shape_of(const std::string& path) const {
  const Hdf5Lock lock;
  const Hdf5Handle dataset = state_->open_dataset(path);
  const auto dimensions = state_->dimensions_of(dataset, path);
  state_->check_size(path, dimensions, 1, std::numeric_limits<Index>::max());
  return {dimensions.begin(), dimensions.end()};
}

Hdf5Type Hdf5Reader::type_of(const std::string& path) const {
  const Hdf5Lock lock;
  const Hdf5Handle dataset = state_->open_dataset(path);
  const Hdf5Handle type(H5Dget_type(dataset), H5Tclose);
  return state_->kind_of(type, path);
}

bool Hdf5Reader::fits_float(const std::string& path) const {
  const Hdf5Lock lock;
  const Hdf5Handle dataset = state_->open_dataset(path);
  const Hdf5Handle type(H5Dget_type(dataset), H5Tclose);
  return lockstep::fits_float(type);
}

std::vector<float> Hdf5Reader::floats(const std::string& path) const {
  const Hdf5Lock lock;
  return state_->read<float>(path, H5T_NATIVE_FLOAT);
}

std::vector<double> Hdf5Reader::doubles(const std::string& path) const {
  const Hdf5Lock lock;
  return state_->read<double>(path, H5T_NATIVE_DOUBLE);
}

std::vector<std::int64_t> Hdf5Reader::integers(const std::string& path) const {
  const Hdf5Lock lock;
  return state_->read<std::int64_t>(path, H5T_NATIVE_INT64);
}

std::vector<std::uint8_t> Hdf5Reader::bytes(const std::string& path) const {
  const Hdf5Lock lock;
  return state_->read<std::uint8_t>(path, H5T_NATIVE_UINT8);
}

std::string Hdf5Reader::text(const std::string& path) const {
  const Hdf5Lock lock;
  const Hdf5Handle dataset = state_->open_dataset(path);
  const Hdf5Handle type(H5Dget_type(dataset), H5Tclose);
  if (state_->kind_of(type, path) != Hdf5Type::text || H5Tis_variable_str(type) > 0) {
    state_->reject(path, "expected text of fixed length");
  }
  const std::size_t size = H5Tget_size(type);
  if (state_->count_of(dataset, type, size, path) != 1) state_->reject(path, "expected one text");
  std::string value(size, '\0');
  if (H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, value.data()) < 0) {
    state_->reject(path, "unreadable, the file is damaged");
  }
  return unpadded(value, type);
}

std::vector<std::string> Hdf5Reader::texts(const std::string& path) const {
  const Hdf5Lock lock;
  return texts_in(*state_, path);
}

std::vector<Hdf5Member> Hdf5Reader::members(const std::string& path) const {
  const Hdf5Lock lock;
  return members_of(*state_, path);
}

std::vector<std::string> Hdf5Reader::attribute_texts(const std::string& path,
                                                     const std::string& name) const {
  const Hdf5Lock lock;
  return attribute_texts_in(*state_, path, name);
}

std::vector<Hdf5Entry> Hdf5Reader::datasets(std::size_t most) const {
  const Hdf5Lock lock;
  return datasets_in(*state_, most);
}

Hdf5Chunks Hdf5Reader::chunks_of(const std::string& path) const {
  const Hdf5Lock lock;
  return chunks_in(*state_, path);
}

bool Hdf5Reader::has_attribute(const std::string& path, const std::string& name) const {
  const Hdf5Lock lock;
  const Hdf5Handle object = state_->open(path);
  return H5Aexists(object, name.c_str()) > 0;
}

Hdf5Attribute Hdf5Reader::attribute(const std::string& path, const std::string& name) const {
  const Hdf5Lock lock;
  const Hdf5Handle found = state_->open_attribute(path, name);
  const Hdf5Handle type(H5Aget_type(found), H5Tclose);
  switch (state_->kind_of(type, path)) {
    case Hdf5Type::text:
      return state_->read_text_attribute(found, type, path);
    case Hdf5Type::real:
      return state_->read_attribute<double>(found, H5T_NATIVE_DOUBLE, path);
    case Hdf5Type::u8:
    case Hdf5Type::integer:
      break;
  }
  if (H5Tget_sign(type) == H5T_SGN_NONE) {
    return state_->read_attribute<std::uint64_t>(found, H5T_NATIVE_UINT64, path);
  }
  return state_->read_attribute<std::int64_t>(found, H5T_NATIVE_INT64, path);
}

std::string Hdf5Reader::text_attribute(const std::string& path, const std::string& name) const {
  const Hdf5Lock lock;
  const Hdf5Attribute value = attribute(path, name);
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  state_->reject(path, fmt::format("expected text in attribute {}, found a number", name));
}

std::uint64_t Hdf5Reader::count_attribute(const std::string& path, const std::string& name) const {
  const Hdf5Lock lock;
  const Hdf5Attribute value = attribute(path, name);
  if (const auto* count = std::get_if<std::uint64_t>(&value)) return *count;
  if (const auto* integer = std::get_if<std::int64_t>(&value);
      integer != nullptr && *integer >= 0) {
    return static_cast<std::uint64_t>(*integer);
  }
  state_->reject(path,
                 fmt::format("expected an integer that is not negative in attribute {}", name));
}

}  // namespace lockstep
