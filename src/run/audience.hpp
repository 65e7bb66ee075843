#pragma once

#include <vector>

#include "lockstep/run/events.hpp"

namespace lockstep {

/// Tells several observers.
class ObserverList : public Observer {
 public:
  void add(Observer& observer) { observers_.push_back(&observer); }
  void on_start(const RunStart& e) override { tell(&Observer::on_start, e); }
  void on_step(const StepEvent& e) override { tell(&Observer::on_step, e); }
  void on_epoch(const EpochEvent& e) override { tell(&Observer::on_epoch, e); }
  void on_times(const TimesEvent& e) override { tell(&Observer::on_times, e); }
  void on_eval(const EvalEvent& e) override { tell(&Observer::on_eval, e); }
  void on_checkpoint(const CheckpointEvent& e) override { tell(&Observer::on_checkpoint, e); }
  void on_warning(const std::string& e) override { tell(&Observer::on_warning, e); }
  void on_end(const RunEnd& e) override { tell(&Observer::on_end, e); }

 private:
  template <typename Event>
  void tell(void (Observer::*member)(const Event&), const Event& event) {
    for (Observer* o : observers_) (o->*member)(event);
  }
  std::vector<Observer*> observers_;
};

}  // namespace lockstep
