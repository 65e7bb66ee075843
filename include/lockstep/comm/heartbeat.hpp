#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace lockstep {

/// What a rank is doing.
enum class Phase : std::uint32_t {
  start,       ///< before the first step, but for the data
  data,        ///< reading samples
  forward,     ///< predictions and the loss
  backward,    ///< backpropagation, and the exchange behind it
  exchange,    ///< gradients or parameters, when there is nothing else to do
  update,      ///< the optimizer and the norm of the gradient
  between,     ///< records between two steps
  evaluation,  ///< of the validation samples
  checkpoint,  ///< saving
  end,         ///< after the last step
  gone,        ///< watched no more
};

inline constexpr std::array<std::string_view, 11> kPhaseNames = {
    "start",  "reading of data",   "forward",    "backward",   "exchange",
    "update", "between two steps", "evaluation", "checkpoint", "end",
    "gone"};

/// The state of one rank as its watchdogs see it, in memory that the ranks of its machine share:
/// written by that rank alone but for `over`, read by all, each member by itself. All zeros at the
/// start.
struct PulseRecord {
  std::atomic<std::uint64_t> beats;  ///< grows whenever the rank gets on
  std::atomic<std::uint64_t>
      ticks;  ///< grows while the rank's watchdog runs: not while it is stopped
  std::atomic<std::uint64_t> step;  ///< under way, from 1; 0: none yet
  std::atomic<Phase> phase;
  std::atomic<std::int32_t> bucket;  ///< of the exchange, counted from 1; 0: none
  std::atomic<std::int32_t> waits;   ///< 1 while the rank waits for others
  std::atomic<std::int32_t> over;    ///< 1: a watchdog has ended the job and said why
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free &&
              std::atomic<Phase>::is_always_lock_free);

/// Writes the PulseRecord of one rank: a few plain stores, never a lock; without a record, nothing.
class Heartbeat {
 public:
  Heartbeat() = default;
  explicit Heartbeat(PulseRecord& pulse) : pulse_(&pulse) {}

  /// The rank begins a step, with its data.
  void begin_step(std::uint64_t step) const {
    if (pulse_ == nullptr) return;
    set(pulse_->step, step);
    enter(Phase::data);
  }
  void enter(Phase phase) const {
    if (pulse_ == nullptr) return;
    set(pulse_->phase, phase);
    set(pulse_->bucket, 0);
    beat();
  }
  /// The rank has come to bucket `index` of the exchange.
  void reach(int index) const {
    if (pulse_ == nullptr) return;
    set(pulse_->bucket, index + 1);
    beat();
  }
  /// The rank gets on.
  void beat() const {
    if (pulse_ != nullptr) set(pulse_->beats, pulse_->beats.load(std::memory_order_relaxed) + 1);
  }
  void wait(bool waits) const {
    if (pulse_ != nullptr) set(pulse_->waits, waits ? 1 : 0);
  }
  [[nodiscard]] bool over() const {
    return pulse_ != nullptr && pulse_->over.load(std::memory_order_relaxed) != 0;
  }
  /// The rank's watchdog runs.
  void tick() const {
    if (pulse_ != nullptr) set(pulse_->ticks, pulse_->ticks.load(std::memory_order_relaxed) + 1);
  }

 private:
  template <typename T, typename Value>
  static void set(std::atomic<T>& number, Value value) {
    number.store(static_cast<T>(value), std::memory_order_relaxed);
  }

  PulseRecord* pulse_ = nullptr;
};

/// For as long as it lives, the rank waits for others: what holds everyone up is not here.
class Waiting {
 public:
  explicit Waiting(Heartbeat heartbeat) : heartbeat_(heartbeat) { heartbeat_.wait(true); }
  ~Waiting() { heartbeat_.wait(false); }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

 private:
  Heartbeat heartbeat_;
};

}  // namespace lockstep
