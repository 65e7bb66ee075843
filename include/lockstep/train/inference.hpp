#pragma once

#include <iosfwd>
#include <optional>
#include <string>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/train/confusion_matrix.hpp"
#include "lockstep/train/events.hpp"

namespace lockstep {

/// What to judge a checkpoint on, and how.
struct EvalRequest {
  std::string checkpoint;
  std::string data;        ///< a path as in data.val; empty: the validation data of the run
  std::string labels;      ///< as in data.val_labels
  Index rounds = 0;        ///< as in parallel.rounds
  bool confusion = false;  ///< also tell which classes are taken for which; classifiers only
};

struct Evaluation {
  EvalEvent event;
  bool averaged = false;                     ///< judged is the average of the weights
  std::optional<ConfusionMatrix> confusion;  ///< if it was asked for
  std::vector<std::string> class_names;      ///< of the labels, if the data had names for them
  std::vector<std::string> notes;            ///< as Dataset::notes of --data; rank 0 has them
};

/// What to predict with a checkpoint.
struct PredictRequest {
  std::string checkpoint;
  std::string data;  ///< a path as in data.val
  std::string out;
  Index rounds = 0;  ///< as in parallel.rounds
};

/// What became of it.
struct PredictionSummary {
  bool averaged = false;           ///< the average of the weights predicted
  std::vector<std::string> notes;  ///< as in Evaluation
};

/// Evaluates a checkpoint, if it has an average of the weights this, with the normalization stored
/// in it. Collective; the result is the same on every rank and for every rank count. Errors:
/// AgreedError; the file's faults as Error(bad_data) or Error(no_input).
Evaluation evaluate_checkpoint(const Communicator& world, const EvalRequest& request);

/// Writes the predictions for the inputs in the data, of the average of the weights if the
/// checkpoint has one: CSV, one row per sample in the order of the file. Classification: columns
/// label, name if the classes have names, and the probability p0, p1, ... of each class, for
/// sequences one row per position, with the columns sample and position first; logits of
/// binary_cross_entropy: the probability p0, p1, ... of each output; regression: the values in the
/// units of the data. Collective. Errors: AgreedError.
PredictionSummary predict_checkpoint(const Communicator& world, const PredictRequest& request);

/// The same for a program that needs an answer before it can give the next sample, such as a
/// simulator: reads samples from `in` until it ends, each as 32-bit floats of this machine in the
/// order height, width, channel and in the units of the data, and writes its rows to `out` at
/// once, after the line with the names of the columns. One process. Errors: bad_data for a sample
/// that is incomplete, not finite or of unknown symbols; io if the prediction cannot be written.
void predict_stream(const Communicator& world, const std::string& checkpoint, std::istream& in,
                    std::ostream& out);

}  // namespace lockstep
