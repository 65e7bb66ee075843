// One copy of a data set on each node.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>

#include <algorithm>
#include <type_traits>

#include "lockstep/comm/agreement.hpp"
#include "lockstep/comm/environment.hpp"
#include "lockstep/setup/data_sets.hpp"
#include "setup/broadcast.hpp"

namespace lockstep {
namespace {

/// The files themselves, as this machine knows them.
std::string identity_of(const InputFile& file) {
  std::string text;
  for (const Hdf5Rows& part : file.parts()) {
    struct stat status {};
    if (::stat(part.file().c_str(), &status) != 0) continue;
    text += fmt::format("{}:{} ", status.st_dev, status.st_ino);
  }
  return text;
}

std::string shapes_of(const InputFile& file) {
  std::vector<std::string> shapes;
  for (const Hdf5Rows& part : file.parts()) {
    shapes.push_back(fmt::format("{} of {}", fmt::join(part.shape(), " x "),
                                 part.type() == Hdf5Type::u8 ? "bytes" : "numbers"));
  }
  return fmt::format("{}", fmt::join(shapes, ", "));
}

/// Every rank opens streamed files itself. Those of one node, who share the reading, must come to
/// the very same files; what other nodes read of theirs is compared while it is read.
std::unique_ptr<InputFile> open_on_all(const Topology& topology, const std::string& name,
                                       const Source& source) {
  const Communicator& ranks = topology.ranks();
  const std::string who = fmt::format("rank {} on {}", ranks.rank(), node_name());
  std::unique_ptr<InputFile> file;
  fail_together(ranks, [&] {
    try {
      file = open_inputs(source);
    } catch (const Error& error) {
      throw Error(error.code(), fmt::format("{}\n  so says {}: every rank reads streamed files",
                                            error.what(), who));
    }
  });
  const std::string shapes = broadcast_text(ranks, shapes_of(*file));
  const std::string identity = broadcast_text(topology.node(), identity_of(*file));
  fail_together(ranks, [&] {
    if (shapes != shapes_of(*file)) {
      throw Error(ExitCode::bad_data,
                  fmt::format("{}: {} finds {} where rank 0 finds {}: every node must see the same "
                              "files",
                              name, who, shapes_of(*file), shapes));
    }
    if (identity != identity_of(*file)) {
      throw Error(ExitCode::bad_data,
                  fmt::format("{}: {} finds another file there than the first rank of its node\n"
                              "  start all ranks in one directory, or give the whole path",
                              name, who));
    }
  });
  return file;
}

}  // namespace

SharedDataset::SharedDataset(const Topology& topology, std::unique_ptr<Dataset> data,
                             const Source& source) {
  static_assert(std::is_trivially_copyable_v<DatasetHeader>);
  const Communicator& ranks = topology.ranks();
  bool present = data != nullptr;
  ranks.broadcast(std::as_writable_bytes(std::span(&present, 1)), 0);
  if (!present) return;
  if (ranks.size() == 1) {
    data_ = std::move(data);
    return;
  }
  DatasetHeader header = data ? data->describe() : DatasetHeader{};
  ranks.broadcast(std::as_writable_bytes(std::span(&header, 1)), 0);
  const std::string name = broadcast_text(ranks, data ? data->name() : "");
  memory_ = std::make_unique<SharedMemory>(ranks, topology.node(),
                                           topology.leads() ? header.storage_bytes() : 0);
  const auto storage = memory_->segment(0).first(static_cast<std::size_t>(header.storage_bytes()));
  if (data) std::ranges::copy(data->storage(), storage.begin());
  if (topology.leads()) topology.leaders().broadcast(storage, 0);
  ranks.barrier();
  data_ = std::make_unique<Dataset>(name, header, storage);
  data_->count_ignored();
  if (data) {
    data_->set_columns(data->columns());
    data_->set_files(data->files());
    data_->set_class_names(data->class_names());
    data_->set_targets_name(data->targets_name());
    data_->add_notes(data->notes());
  }
  std::vector<double> offsets = data ? data->offsets() : std::vector<double>();
  std::vector<double> target_offsets = data ? data->target_offsets() : std::vector<double>();
  broadcast_numbers(ranks, offsets);
  broadcast_numbers(ranks, target_offsets);
  data_->set_offsets(offsets, target_offsets);
  if (!header.streamed()) return;
  auto file = open_on_all(topology, name, source);
  file->set_offsets(offsets, source.channels_first ? header.shape.positions() : 1);
  data_->set_file(std::move(file));
}

}  // namespace lockstep
