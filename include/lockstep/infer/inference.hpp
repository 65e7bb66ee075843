#pragma once

#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "lockstep/comm/communicator.hpp"
#include "lockstep/run/events.hpp"
#include "lockstep/train/confusion_matrix.hpp"

namespace lockstep {

/// What to judge a checkpoint on, and how.
struct EvalRequest {
  std::string checkpoint;
  std::string data;        ///< a path as in data.val; empty: the validation data of the run
  std::string labels;      ///< as in data.val_labels
  bool held_out = false;   ///< only what the run held out of `data`, or if that is empty of its own
  Index rounds = 0;        ///< as in parallel.accumulation
  bool confusion = false;  ///< also tell which classes are taken for which; not of values
};

struct Evaluation {
  EvalEvent event;
  std::string checkpoint;                  ///< the file
  bool averaged = false;                   ///< judged is the average of the weights
  std::vector<ConfusionMatrix> confusion;  ///< if it was asked for: one, of logits one per output
  bool yes_or_no = false;                  ///< the matrices are of yes-or-no questions
  std::vector<std::string> class_names;    ///< of the labels, if the data had names for them
  std::vector<std::string> notes;  ///< of TrainedModel and Dataset, and what was left out; rank 0
                                   ///< has them
};

/// What to predict with a checkpoint.
struct PredictRequest {
  std::string checkpoint;
  std::string data;       ///< a path as in data.val
  std::string labels;     ///< as in data.val_labels
  bool held_out = false;  ///< only what the run held out of `data`, or if that is empty of its own
  std::string out;        ///< a file, or -: standard output
  bool mistakes_first = false;
  bool old_columns = false;  ///< those of earlier programs
  Index rounds = 0;          ///< as in parallel.accumulation
};

/// What became of it.
struct PredictionSummary {
  std::string checkpoint;          ///< the file
  bool averaged = false;           ///< the average of the weights predicted
  Index samples = 0;               ///< predicted
  std::string why_unanswered;      ///< one line, empty if the answers are known; rank 0 only
  std::vector<std::string> notes;  ///< as in Evaluation
};

/// Evaluates a checkpoint (as `find_checkpoint` finds it), if it has an average of the weights
/// this, with the normalization stored in it. Collective; the result is the same on every rank and
/// for every rank count.
/// Errors: AgreedError: those of `load_model`; the file's faults as Error(bad_data) or
/// Error(no_input), without the content of files that the user did not name.
Evaluation evaluate_checkpoint(const Communicator& world, const EvalRequest& request);

/// Writes the predictions for the inputs in the data, of the average of the weights if the
/// checkpoint has one: CSV, one row per sample in the order of the data, or mistakes first.
/// Columns:
///
///     sample            its number in the data, from 0
///     file, row         if there are several files: relative to the folder of the data; the number
///                       within the file, if files have several samples
///     position          of sequences and images with a class for each position, one row each
///     truth             the answer, where the data has it: a class, by name if it has one, or a
///                       number; truth0, truth1, ... of several; empty for an ignored label
///     prediction        the likeliest class; of binary_cross_entropy 0 or 1; else the value in the
///                       units of the data; prediction0, prediction1, ... of several
///     p0, p1, ...       probability of each class, p_NAME if it has a name; of
///     binary_cross_entropy
///                       that of each output
///
/// The columns of earlier programs: label and name in place of prediction, y0, y1, ... for values;
/// of the others only position, with sample, and p0, p1, ... The table goes to `out`, whose state
/// tells whether it was written, if request.out is -. Collective.
/// Errors: AgreedError.
PredictionSummary predict_checkpoint(const Communicator& world, const PredictRequest& request,
                                     std::ostream& out);

/// The same for a program that needs an answer before it can give the next sample, such as a
/// simulator: reads samples from `in` until it ends, each as 32-bit floats of this machine in the
/// order height, width, channel and in the units of the data, and hands its rows to `write` at
/// once, after the line with the names of the columns, from position or prediction on. Before that
/// `tell` gets the file of the checkpoint and the notes of TrainedModel. One process.
/// Errors: bad_data for a sample that is incomplete, not finite or of unknown symbols; those of
/// `write`.
void predict_stream(
    const Communicator& world, const std::string& checkpoint, bool old_columns, std::istream& in,
    const std::function<void(const std::string& file, const std::vector<std::string>& notes)>& tell,
    const std::function<void(std::string_view)>& write);

}  // namespace lockstep
