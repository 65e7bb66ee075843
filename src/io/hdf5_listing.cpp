// What an HDF5 file holds, and what its header says about what is missing in it.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "io/hdf5_file.hpp"
#include "lockstep/base/file_kind.hpp"

namespace lockstep {
namespace {

constexpr std::size_t kSuperblockVersionAt = 8, kFlagsAt = 11;  // in the superblock

constexpr int kMaxGroupDepth = 8;
/// Objects looked at for each dataset listed: links can go in circles.
constexpr std::size_t kObjectsEach = 16;

std::string type_name(hid_t type) {
  const std::size_t bits = 8 * H5Tget_size(type);
  switch (H5Tget_class(type)) {
    case H5T_INTEGER:
      return fmt::format("{}int{}", H5Tget_sign(type) == H5T_SGN_NONE ? "u" : "", bits);
    case H5T_FLOAT:
      return fmt::format("float{}", bits);
    case H5T_STRING:
      return "text";
    case H5T_ENUM:
      return H5Tget_nmembers(type) == 2 ? "bool" : "enumeration";
    default:
      return hdf5_class_name(type);
  }
}

class Listing {
 public:
  Listing(const Hdf5File& file, std::size_t most) : file_(file), most_(most) {}

  std::vector<Hdf5Entry> entries;

  void visit(const std::string& group, int depth) {
    const Hdf5Handle object(H5Oopen(file_.file, group.empty() ? "/" : group.c_str(), H5P_DEFAULT),
                            H5Oclose);
    for (const std::string& name : names_in_group(object)) {
      if (entries.size() >= most_ || ++objects_ > kObjectsEach * most_) return;
      const std::string path = group + "/" + name;
      H5L_info_t link{};
      if (H5Lget_info(file_.file, path.c_str(), &link, H5P_DEFAULT) < 0 ||
          link.type != H5L_TYPE_HARD) {
        continue;
      }
      const Hdf5Handle member(H5Oopen(file_.file, path.c_str(), H5P_DEFAULT), H5Oclose);
      const H5I_type_t kind = member.valid() ? H5Iget_type(member) : H5I_BADID;
      if (kind == H5I_DATASET) add(member, path);
      if (kind == H5I_GROUP && depth < kMaxGroupDepth) visit(path, depth + 1);
    }
  }

 private:
  static std::vector<std::string> names_in_group(hid_t group) {
    const auto add_name = [](hid_t, const char* name, const H5L_info_t*, void* names) -> herr_t {
      static_cast<std::vector<std::string>*>(names)->emplace_back(name);
      return 0;
    };
    std::vector<std::string> names;
    if (group >= 0) H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, nullptr, add_name, &names);
    return names;
  }

  void add(hid_t dataset, const std::string& path) {
    const Hdf5Handle type(H5Dget_type(dataset), H5Tclose);
    const Hdf5Handle space(H5Dget_space(dataset), H5Sclose);
    std::vector<hsize_t> dimensions(H5S_MAX_RANK);
    const int rank = H5Sget_simple_extent_dims(space, dimensions.data(), nullptr);
    dimensions.resize(static_cast<std::size_t>(std::max(rank, 0)));
    entries.push_back({path, {dimensions.begin(), dimensions.end()}, type_name(type)});
  }

  const Hdf5File& file_;
  std::size_t most_;
  std::size_t objects_ = 0;
};

}  // namespace

std::string Hdf5Entry::text() const {
  return fmt::format("{} ({}) {}", path, fmt::join(shape, ", "), type);
}

std::string hdf5_class_name(hid_t type) {
  switch (H5Tget_class(type)) {
    case H5T_INTEGER:
      return "integers";
    case H5T_FLOAT:
      return "reals";
    case H5T_STRING:
      return "text";
    case H5T_BITFIELD:
      return "bit fields";
    case H5T_OPAQUE:
      return "opaque bytes";
    case H5T_COMPOUND:
      return "compounds";
    case H5T_REFERENCE:
      return "references to other objects";
    case H5T_ENUM:
      return "enumerations";
    case H5T_VLEN:
      return "rows of various length";
    case H5T_ARRAY:
      return "arrays as elements";
    default:
      return "times or other elements";
  }
}

std::vector<Hdf5Entry> datasets_in(const Hdf5File& file, std::size_t most) {
  Listing listing(file, most);
  listing.visit("", 0);
  return std::move(listing.entries);
}

Hdf5Chunks chunks_in(const Hdf5File& file, const std::string& path) {
  const Hdf5Handle dataset = file.open_dataset(path);
  const Hdf5Handle properties(H5Dget_create_plist(dataset), H5Pclose);
  const auto dimensions = file.dimensions_of(dataset, path);
  std::vector<hsize_t> chunk(H5S_MAX_RANK);
  Hdf5Chunks chunks;
#if H5_VERSION_GE(1, 10, 5)
  if (H5Pget_layout(properties) != H5D_CHUNKED ||
      H5Pget_chunk(properties, H5S_MAX_RANK, chunk.data()) != static_cast<int>(dimensions.size())) {
    return chunks;
  }
  const Hdf5Handle space(H5Dget_space(dataset), H5Sclose);
  hsize_t written = 0;
  if (H5Dget_num_chunks(dataset, space, &written) < 0) return chunks;
  chunks.all = 1;
  for (std::size_t i = 0; i < dimensions.size(); ++i) {
    chunks.all *= static_cast<Index>((dimensions[i] + chunk[i] - 1) / chunk[i]);
  }
  chunks.written = static_cast<Index>(written);
#endif
  return chunks;
}

std::optional<std::uint64_t> hdf5_length(std::span<const std::byte> head) {
  if (head.size() < kHdf5Superblock || !is_hdf5(head)) return {};
  const auto byte = [&](std::size_t i) { return std::to_integer<std::uint64_t>(head[i]); };
  const std::uint64_t version = byte(kSuperblockVersionAt);
  const std::uint64_t address_bytes = version < 2 ? byte(13) : byte(9);
  if (version > 3 || address_bytes != 8) return {};
  const std::size_t end_at = version == 0 ? 40 : version == 1 ? 44 : 28;
  std::uint64_t end = 0;
  for (std::size_t i = 8; i-- > 0;) end = end << 8 | byte(end_at + i);
  return end;
}

std::string hdf5_diagnosis(std::span<const std::byte> head, Index bytes) {
  const auto end = hdf5_length(head);
  const auto found = static_cast<std::uint64_t>(bytes);
  if (!end || found < kHdf5Superblock) return {};
  // Open for writing, and no longer so once its writer has closed it.
  const bool open = (head[kFlagsAt] & std::byte{1}) != std::byte{0};
  if (head[kSuperblockVersionAt] == std::byte{3} && open) {
    return "\n  its writer never closed it; if none is at work:  h5clear -s FILE";
  }
  if (*end == found) return {};
  return *end > found
             ? fmt::format(
                   "\n  it should have {} bytes: it is truncated, or its writer never closed it",
                   *end)
             : fmt::format("\n  its header ends it after {} bytes: its writer never closed it",
                           *end);
}

}  // namespace lockstep
