#include "infer/model_data.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <functional>
#include <utility>

#include "lockstep/comm/agreement.hpp"

namespace lockstep {
namespace {

void check_shape(const Dataset& data, const TrainedModel& model) {
  const Shape expected = model.network->input_shape();
  const Shape found = data.shape();
  if (found == expected) return;
  throw Error(ExitCode::bad_data,
              fmt::format("{}: samples of {} x {} x {} (height, width, channels), but the network "
                          "was trained on {} x {} x {}",
                          data.name(), found.height, found.width, found.channels, expected.height,
                          expected.width, expected.channels));
}

bool cannot_be_read(ExitCode code) {
  return code == ExitCode::no_input || code == ExitCode::no_permission;
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

/// Finds and reads the samples; on rank 0.
class Reader {
 public:
  Reader(const TrainedModel& model, const DataChoice& choice)
      : model_(model), info_(model.checkpoint.info), data_(model.config.data), choice_(choice) {}

  /// Where the samples are.
  [[nodiscard]] Source source() const {
    const bool classes = model_.loss->classifies();
    Source source;
    if (!choice_.path.empty()) {
      source = source_of(data_, choice_.path, choice_.labels, classes);
      source.of_other_files = true;
    } else if (data_.val && !choice_.held_out) {
      source = source_of(data_, *data_.val, data_.val_labels.value_or(""), classes);
    } else {
      source = source_of(data_, data_.train, data_.train_labels.value_or(""), classes);
    }
    source.class_names = info_.class_names;
    source.columns = info_.columns;
    source.input_offsets = {false, model_.checkpoint.inputs.offset};
    source.target_offsets = {false, model_.checkpoint.targets.offset};
    source.text.vocabulary = info_.vocabulary;
    source.sound.rate = info_.rate;
    source.input_columns = model_.network->input_shape().size();
    return source;
  }

  /// Whether of the samples only those that were held out count.
  [[nodiscard]] bool partial() const {
    return choice_.held_out || (choice_.path.empty() && !data_.val);
  }

  void read(Source& source) {
    if (choice_.path.empty()) {
      without_content(source, [&] { read_any(source); });
    } else {
      read_any(source);
    }
  }

  std::unique_ptr<Dataset> set;
  std::string why_unanswered;

 private:
  void require_part() const {
    if (data_.val) {
      throw Error(ExitCode::usage,
                  fmt::format("{}: its run held nothing out of its training data: it was judged on "
                              "data.val, {}\n  try: --data FILE",
                              model_.file, *data_.val));
    }
    if (data_.holdout == 0) {
      throw Error(ExitCode::usage, fmt::format("{}: the run had no validation data\n"
                                               "  try: --data FILE",
                                               model_.file));
    }
  }

  void read_any(Source& source) {
    if (partial()) return read_part(source);
    // Weights are for learning, and the answers may not be needed.
    try {
      return read_whole(source);
    } catch (const Error& error) {
      if (cannot_be_read(error.code())) throw;
      why_unanswered = first_line(error.what());
      if (source.weighted() && read_unweighted(source)) return;
      if (choice_.answered) throw;
    }
    source.inputs_only = true;
    read_whole(source);
  }

  bool read_unweighted(Source& source) {
    Source plain = source;
    plain.weights = "";
    try {
      read_whole(plain);
    } catch (const Error&) {
      return false;
    }
    set->add_notes({fmt::format("{}: without weights, all samples count alike", source.path)});
    why_unanswered.clear();
    source = plain;
    return true;
  }

  void read_whole(const Source& source) {
    auto data = std::make_unique<Dataset>(load(source));
    check(*data, !source.inputs_only);
    set = std::move(data);
  }

  void read_part(const Source& source) {
    require_part();
    auto data = std::make_unique<Dataset>(load(source));
    std::unique_ptr<Dataset> part;
    std::string digest;
    if (data->describe().is_text()) {
      TextParts parts = split_text(*data, data_.holdout);
      digest = parts.train.digest().hex();
      part = std::make_unique<Dataset>(std::move(parts.validation));
    } else {
      digest = data->digest().hex();
      part = std::move(data);
    }
    if (digest != info_.data_digest) {
      throw Changed(
          ExitCode::bad_data,
          fmt::format("{} {}: digest {}, the checkpoint has {}\n  try: --data FILE", source.path,
                      choice_.path.empty() ? "has changed since the run"
                                           : "is not the training data of the run",
                      digest, info_.data_digest));
    }
    check(*part, true);
    set = std::move(part);
  }

  // Before the network and the loss meet them: symbols and answers that they do not know.
  void check(const Dataset& data, bool answered) const {
    const Index vocabulary = info_.vocabulary.size();
    check_shape(data, model_);
    check_inputs(data, model_.checkpoint.inputs, *model_.network, vocabulary);
    if (answered) check_answers(data);
  }

  // The remedies of a run that begins are none for a network that has learned.
  void check_answers(const Dataset& data) const {
    try {
      check_targets(data, *model_.network, model_.loss->outputs(), info_.vocabulary.size());
    } catch (const Error& error) {
      throw Error(error.code(), fmt::format("{}\n  {}", first_line(error.what()), what_is_known()));
    }
  }

  [[nodiscard]] std::string what_is_known() const {
    const Shape output = model_.network->output_shape();
    const bool classes = model_.loss->classifies();
    const Index count = classes ? output.positions() : output.size();
    const std::string_view what = classes ? "label" : "value";
    std::string text =
        count == 1 ? fmt::format("the network answers each sample with a {}", what)
                   : fmt::format("the network answers each sample with {} {}s", count, what);
    if (model_.loss->outputs() == Outputs::logits) text += " from 0 to 1";
    if (!classes) return text;
    text += fmt::format(" from 0 to {}", output.channels - 1);
    if (!info_.class_names.empty()) {
      text += fmt::format(" ({})", fmt::join(info_.class_names, ", "));
    }
    return text + (data_.ignore_label
                       ? fmt::format("; {} is ignored (data.ignore_label)", *data_.ignore_label)
                       : "; to ignore a label, train with data.ignore_label");
  }

  /// What may be told of a stranger's choice of files.
  class Changed : public Error {
   public:
    using Error::Error;
  };

  void without_content(const Source& source, const std::function<void()>& work) const {
    const auto wanted = [&](const std::string& fault) {
      return fmt::format("{}: the data of its run is {}{}\n  try: --data FILE, where it is now",
                         model_.file, source.path, fault);
    };
    try {
      work();
    } catch (const Changed&) {
      throw;
    } catch (const Error& error) {
      if (error.code() == ExitCode::usage || error.code() == ExitCode::unavailable) throw;
      if (cannot_be_read(error.code())) {
        throw Error(error.code(), wanted(fmt::format("\n  {}", error.what())));
      }
      throw Error(ExitCode::bad_data,
                  wanted(", whose content does not fit; what is wrong with a file that you trust, "
                         "trainer data info tells"));
    }
  }

  const TrainedModel& model_;
  const CheckpointInfo& info_;
  const config::Data& data_;
  const DataChoice& choice_;
};

}  // namespace

ModelData load_for(const Topology& topology, const TrainedModel& model, const DataChoice& choice) {
  const Communicator& world = topology.ranks();
  Reader reader(model, choice);
  Source source = reader.source();
  run_on_root(world, [&] { reader.read(source); });
  bool answered = world.rank() == 0 && !source.inputs_only;
  world.broadcast(std::as_writable_bytes(std::span(&answered, 1)), 0);
  ModelData data;
  data.path = source.path;
  data.set = SharedDataset(topology, std::move(reader.set), source);
  data.samples = {data.set.get(), Subset::whole(data.set->size()), &model.checkpoint.inputs,
                  &model.checkpoint.targets};
  data.samples.answered = answered;
  if (reader.partial() && !data.set->describe().is_text()) {
    fail_together(world,
                  [&] { data.samples.subset = split_of(model.config, *data.set).validation; });
  }
  data.stream = stream_of(topology, model.config, *data.set, data.samples);
  data.why_unanswered = reader.why_unanswered;
  if (world.rank() == 0) data.notes = data.set->notes();
  return data;
}

}  // namespace lockstep
