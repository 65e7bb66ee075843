// Texts of HDF5 files, as labels and names of classes are.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "io/hdf5_file.hpp"

namespace lockstep {
namespace {

/// Reads `count` texts with `read(memory type, to)`, which is false on failure.
template <typename Read>
std::vector<std::string> read_texts(const Hdf5File& file, const std::string& path, hid_t type,
                                    std::size_t count, const Read& read) {
  std::vector<std::string> texts(count);
  if (count == 0) return texts;
  if (H5Tis_variable_str(type) <= 0) {
    const std::size_t size = H5Tget_size(type);
    std::string all(count * size, '\0');
    if (!read(type, all.data())) file.reject(path, "unreadable, the file is damaged");
    for (std::size_t i = 0; i < count; ++i) {
      texts[i] = unpadded(std::string_view(all).substr(i * size, size), type);
    }
    return texts;
  }
  const Hdf5Handle memory(H5Tcopy(type), H5Tclose);
  std::vector<char*> pointers(count, nullptr);
  const bool done = read(memory, pointers.data());
  for (std::size_t i = 0; i < count; ++i) {
    const std::unique_ptr<char, herr_t (*)(void*)> owner(pointers[i], H5free_memory);
    if (owner) texts[i] = owner.get();
  }
  if (!done) file.reject(path, "unreadable, the file is damaged");
  return texts;
}

}  // namespace

std::string unpadded(std::string_view text, hid_t type) {
  text = text.substr(0, text.find('\0'));
  if (H5Tget_strpad(type) == H5T_STR_SPACEPAD) {
    text = text.substr(0, text.find_last_not_of(' ') + 1);
  }
  return std::string(text);
}

std::vector<std::string> texts_in(const Hdf5File& file, const std::string& path) {
  const Hdf5Handle dataset = file.open_dataset(path);
  const Hdf5Handle type(H5Dget_type(dataset), H5Tclose);
  if (file.kind_of(type, path) != Hdf5Type::text) file.reject(path, "expected text");
  const std::size_t count = file.count_of(dataset, type, H5Tget_size(type), path);
  return read_texts(file, path, type, count, [&](hid_t memory, void* to) {
    return H5Dread(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, to) >= 0;
  });
}

std::vector<Hdf5Member> members_of(const Hdf5File& file, const std::string& path) {
  const Hdf5Handle dataset = file.open_dataset(path);
  const Hdf5Handle type(H5Dget_type(dataset), H5Tclose);
  static_cast<void>(file.kind_of(type, path));  // the numbers are integers of 1 to 8 bytes
  std::vector<Hdf5Member> members;
  if (H5Tget_class(type) != H5T_ENUM) return members;
  const Hdf5Handle base(H5Tget_super(type), H5Tclose);
  const int count = H5Tget_nmembers(type);
  for (int i = 0; i < count; ++i) {
    const auto number = static_cast<unsigned>(i);
    const std::unique_ptr<char, herr_t (*)(void*)> name(H5Tget_member_name(type, number),
                                                        H5free_memory);
    std::int64_t value = 0;
    if (!name || H5Tget_member_value(type, number, &value) < 0 ||
        H5Tconvert(base, H5T_NATIVE_INT64, 1, &value, nullptr, H5P_DEFAULT) < 0) {
      file.reject(path, "unreadable, the file is damaged");
    }
    members.push_back({name.get(), value});
  }
  std::ranges::sort(members, {}, &Hdf5Member::number);
  const bool is_bool = count == 2 && members[0].name == "FALSE" && members[1].name == "TRUE";
  return is_bool ? std::vector<Hdf5Member>() : members;
}

std::vector<std::string> attribute_texts_in(const Hdf5File& file, const std::string& path,
                                            const std::string& name) {
  const Hdf5Handle object = file.open(path);
  const Hdf5Handle attribute(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose);
  if (!attribute.valid()) file.reject(path, fmt::format("expected an attribute {}", name));
  const Hdf5Handle type(H5Aget_type(attribute), H5Tclose);
  if (file.kind_of(type, path) != Hdf5Type::text) {
    file.reject(path, fmt::format("expected text in attribute {}", name));
  }
  const Hdf5Handle space(H5Aget_space(attribute), H5Sclose);
  const hssize_t count = H5Sget_simple_extent_npoints(space);
  const auto size = static_cast<Index>(H5Tget_size(type));
  if (count < 0 || static_cast<Index>(count) > file.bytes / std::max<Index>(size, 1)) {
    file.reject(path, "an attribute is longer than the file");
  }
  return read_texts(file, path, type, static_cast<std::size_t>(count),
                    [&](hid_t memory, void* to) { return H5Aread(attribute, memory, to) >= 0; });
}

}  // namespace lockstep
