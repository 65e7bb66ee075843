#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lockstep/infer/trained_model.hpp"
#include "lockstep/setup/data_sets.hpp"

namespace lockstep {

/// Which samples a trained model is used on.
struct DataChoice {
  std::string path;    ///< as data.val; empty: the files of the run itself
  std::string labels;  ///< as data.val_labels
  bool held_out =
      false;  ///< only what the run held out, of `path` if its training data is there now
  bool answered = true;  ///< the answers are needed; else they are welcome
};

/// Samples for a trained model, read by rank 0, on every node. What the run asked of its training
/// plays no part: only files that are used must be there.
struct ModelData {
  std::string path;  ///< of the files, a folder of which is what names of files are relative to
  SharedDataset set;
  std::unique_ptr<InputStream> stream;
  Samples samples;                 ///< answered: false if the answers are not known
  std::string why_unanswered;      ///< one line; rank 0 only
  std::vector<std::string> notes;  ///< as Dataset::notes, and what was left out; rank 0 only
};

/// Collective. `checkpoint` is its name in messages.
/// Errors: AgreedError: what loading finds in files that the user named; of files that only the
/// checkpoint names no content is told, for it may be a stranger's: no_input or no_permission if
/// they cannot be read, else bad_data; usage if the run has no such samples.
[[nodiscard]] ModelData load_for(const Topology& topology, const TrainedModel& model,
                                 const DataChoice& choice);

}  // namespace lockstep
