#include "lockstep/train/evaluator.hpp"

#include <algorithm>

#include "lockstep/base/parallel.hpp"
#include "lockstep/comm/tags.hpp"

namespace lockstep {
namespace {

// Label by label, so that many classes need little memory. The counts are whole: exact in any
// order.
void add_over_ranks(const Communicator& ranks, ConfusionMatrix& confusion) {
  const auto classes = static_cast<std::size_t>(confusion.classes);
  std::vector<double> mine(classes), all(classes * static_cast<std::size_t>(ranks.size()));
  for (std::size_t label = 0; label < classes; ++label) {
    const auto row = std::span(confusion.counts).subspan(label * classes, classes);
    std::ranges::copy(row, mine.begin());
    ranks.all_gather(mine, all);
    std::ranges::fill(row, Index{0});
    for (std::size_t i = 0; i < all.size(); ++i) row[i % classes] += static_cast<Index>(all[i]);
  }
}

void count_classes(const Worker& worker, ConfusionMatrix& confusion) {
  const std::span<const Real> logits = worker.output();
  const auto classes = static_cast<std::size_t>(confusion.classes);
  for (std::size_t row = 0; row * classes < logits.size(); ++row) {
    const std::int32_t label = worker.targets().labels[row];
    if (label < 0) continue;
    const auto z = logits.subspan(row * classes, classes);
    ++confusion.at(label, std::ranges::max_element(z) - z.begin());
  }
}

void count_answers(const Worker& worker, std::vector<ConfusionMatrix>& confusions) {
  const std::span<const Real> logits = worker.output();
  const Real* const answers = worker.targets().values.data;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    ++confusions[i % confusions.size()].at(answers[i] > Real{0.5} ? 1 : 0, logits[i] > 0 ? 1 : 0);
  }
}

// One matrix of all classes, or for each logit one of no and yes.
std::vector<ConfusionMatrix> empty_matrices(Outputs outputs, Index channels) {
  const bool classes = outputs == Outputs::class_logits;
  const Index width = classes ? channels : 2;
  return {static_cast<std::size_t>(classes ? 1 : channels),
          {width, std::vector<Index>(static_cast<std::size_t>(width * width))}};
}

// Of all microbatches, in order: those of rank r follow those of rank r - 1 within every batch.
MetricSums sum_over_ranks(const Communicator& ranks, Index microbatches, Index batches,
                          std::span<const double> mine) {
  constexpr std::size_t kSums = MetricSums{}.size();
  std::vector<int> counts;
  std::vector<int> starts;
  int total = 0;
  for (int rank = 0; rank < ranks.size(); ++rank) {
    const MicrobatchRange share = microbatches_of(rank, ranks.size(), microbatches);
    starts.push_back(total);
    counts.push_back(static_cast<int>(batches * share.count) * static_cast<int>(kSums));
    total += counts.back();
  }
  std::vector<double> all(static_cast<std::size_t>(total));
  ranks.all_gather(mine, counts, starts, all);

  MetricSums result{};
  for (Index b = 0; b < batches; ++b) {
    for (int rank = 0; rank < ranks.size(); ++rank) {
      const Index share = microbatches_of(rank, ranks.size(), microbatches).count;
      const auto begin = static_cast<std::size_t>(starts[static_cast<std::size_t>(rank)]) +
                         static_cast<std::size_t>(b * share) * kSums;
      for (std::size_t i = 0; i < static_cast<std::size_t>(share) * kSums; ++i) {
        result[i % kSums] += all[begin + i];
      }
    }
  }
  return result;
}

}  // namespace

Evaluator::Evaluator(const Communicator& communicator, const Network& network, Index batch,
                     Index microbatches, Index rounds)
    : communicator_(communicator),
      network_(network),
      batch_(batch),
      microbatch_count_(microbatches),
      rounds_(plan_accumulation(
          network, microbatches_of(communicator.rank(), communicator.size(), microbatches), batch,
          microbatches, rounds, /*parameters=*/0, thread_count())),
      workers_(make_workers(network, rounds_, batch, microbatches, /*training=*/false)) {}

MicrobatchRange Evaluator::rows_of(int rank, Index index, Index samples) const {
  const MicrobatchRange share = microbatches_of(rank, communicator_.size(), microbatch_count_);
  const Index first = index * batch_;
  const Index size = std::min(batch_, samples - first);
  return {first + microbatch_begin(size, share.first, microbatch_count_),
          samples_in(share, size, microbatch_count_)};
}

template <typename Judge, typename Visit>
void Evaluator::for_each_part(std::span<const Real> parameters, const Samples& samples,
                              const Judge& judge, const Visit& visit) {
  if (samples.size() == 0) return;
  const Sampler in_order(0, samples.size(), batch_, /*shuffle=*/false,
                         samples.data->describe().blocks);
  const std::uint64_t time = times_++;
  for (Index b = 0; b < batches(samples.size()); ++b) {
    const Index size = std::min(batch_, samples.size() - b * batch_);
    samples.require(in_order, {.epoch = time, .first = b * batch_, .size = size});
    communicator_.heartbeat().enter(Phase::evaluation);
    for (const std::vector<MicrobatchRange>& parts : rounds_) {
      for_each_worker(workers_, parts, [&](std::size_t i) {
        const BatchPart part{parts[i], size, microbatch_count_};
        const Index first = b * batch_ + part.first();
        workers_[i].read(samples, 0, part, {}, [&](Index row) { return first + row; });
        workers_[i].forward(parameters);
        judge(workers_[i]);
      });
      for (std::size_t i = 0; i < parts.size(); ++i) visit(workers_[i]);
    }
  }
}

MetricSums Evaluator::evaluate(std::span<const Real> parameters, const Loss& loss,
                               const Samples& samples, std::vector<ConfusionMatrix>* confusion) {
  if (confusion != nullptr) {
    *confusion = empty_matrices(loss.outputs(), network_.output_shape().channels);
  }
  std::vector<double> mine;
  for_each_part(
      parameters, samples, [&](Worker& worker) { worker.loss(loss, 1); },
      [&](const Worker& worker) {
        for (const MetricSums& s : worker.sums()) mine.insert(mine.end(), s.begin(), s.end());
        if (confusion == nullptr) return;
        if (loss.classifies()) {
          count_classes(worker, confusion->front());
        } else {
          count_answers(worker, *confusion);
        }
      });
  if (confusion != nullptr) {
    for (ConfusionMatrix& matrix : *confusion) add_over_ranks(communicator_, matrix);
  }

  return sum_over_ranks(communicator_, microbatch_count_, batches(samples.size()), mine);
}

std::vector<Real> Evaluator::predict(std::span<const Real> parameters, const Samples& samples) {
  const auto width = static_cast<std::size_t>(network_.output_shape().size());
  std::vector<Real> mine;
  for_each_part(
      parameters, samples, [](const Worker&) {},
      [&](const Worker& worker) {
        mine.insert(mine.end(), worker.output().begin(), worker.output().end());
      });
  if (communicator_.rank() != 0) {
    const auto bytes = std::as_bytes(std::span(mine));
    RequestSet requests(communicator_,
                        static_cast<std::size_t>(communicator_.pieces(bytes.size())));
    requests.send(bytes, 0, kPredictionTag, 0);
    requests.wait_all();
    return {};
  }
  std::vector<Real> all(static_cast<std::size_t>(samples.size()) * width);
  std::vector<Real> theirs;
  for (int rank = 0; rank < communicator_.size(); ++rank) {
    std::size_t size = 0;
    for (Index b = 0; b < batches(samples.size()); ++b) {
      size += static_cast<std::size_t>(rows_of(rank, b, samples.size()).count) * width;
    }
    if (rank > 0) {
      theirs.resize(size);
      const auto bytes = std::as_writable_bytes(std::span(theirs));
      RequestSet requests(communicator_,
                          static_cast<std::size_t>(communicator_.pieces(bytes.size())));
      requests.receive(bytes, rank, kPredictionTag, 0);
      requests.wait_all();
    }
    auto from = rank == 0 ? mine.cbegin() : theirs.cbegin();
    for (Index b = 0; b < batches(samples.size()); ++b) {
      const MicrobatchRange rows = rows_of(rank, b, samples.size());
      const auto length = rows.count * static_cast<Index>(width);
      std::copy_n(from, length, all.begin() + rows.first * static_cast<Index>(width));
      from += length;
    }
  }
  return all;
}

}  // namespace lockstep
