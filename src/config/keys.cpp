// The table of every key that does not depend on a catalogue: one row each, and nothing about a key
// stands elsewhere.
#include "config/data_keys.hpp"
#include "config/field.hpp"

namespace lockstep::config {
namespace {

Section run_section() {
  using C = Config;
  return {"run",
          "Name, length and seed of the run.",
          {{.name = "name",
            .deployment = true,
            .sentence = "Name of the run and its directory; by default the name of the file.",
            .field = field<&C::run, &Run::name>},
           {.name = "seed",
            .kind = Kind::integer,
            .default_value = "0",
            .min = 0,
            .sentence =
                "Seed of all random numbers: initial weights, data order, augmentation, dropout.",
            .field = field<&C::run, &Run::seed>},
           {.name = "epochs",
            .kind = Kind::integer,
            .min = 1,
            .unit = "epochs",
            .sentence = "Passes over the training data; give either epochs or steps.",
            .field = field<&C::run, &Run::epochs>},
           {.name = "steps",
            .kind = Kind::integer,
            .min = 1,
            .unit = "steps",
            .sentence = "Optimizer steps; give either epochs or steps.",
            .field = field<&C::run, &Run::steps>}}};
}

Section parallel_section() {
  using C = Config;
  return {"parallel",
          "How the work is divided among ranks and threads; only microbatches changes the result "
          "of a run.",
          {{.name = "microbatches",
            .kind = Kind::integer,
            .default_value = "0",
            .min = 0,
            .sentence = "Number of microbatches that the global batch is split into, on any number "
                        "of ranks; 0: the smallest power of two that is at least 8 and at least "
                        "the number of ranks at the first start.",
            .field = field<&C::parallel, &Parallel::microbatches>},
           {.name = "accumulation",
            .kind = Kind::integer,
            .default_value = "0",
            .min = 0,
            .old_name = "rounds",
            .deployment = true,
            .sentence = "Gradient accumulation: number of rounds in which each rank computes its "
                        "microbatches; more rounds need less memory for activations. 0: chosen for "
                        "speed, so that activations fit into the caches.",
            .field = field<&C::parallel, &Parallel::accumulation>},
           {.name = "threads",
            .kind = Kind::integer,
            .default_value = "0",
            .min = 0,
            .max = 4096,
            .deployment = true,
            .sentence = "Threads per rank; 0: as many as the affinity mask allows.",
            .field = field<&C::parallel, &Parallel::threads>},
           {.name = "bucket",
            .kind = Kind::bytes,
            .default_value = "\"1 MiB\"",
            .min = 64,
            .unit = "bytes",
            .deployment = true,
            .sentence = "Size of a gradient bucket: gradients that are exchanged together.",
            .field = field<&C::parallel, &Parallel::bucket>},
           {.name = "overlap",
            .kind = Kind::boolean,
            .default_value = "true",
            .deployment = true,
            .sentence = "Overlap gradient exchange with the backward pass; with several threads "
                        "per rank, between nodes only.",
            .field = field<&C::parallel, &Parallel::overlap>}}};
}

Section checkpoint_section() {
  using C = Config;
  return {
      "checkpoint",
      "When checkpoints are saved; the end of the run always saves one.",
      {{.name = "every",
        .kind = Kind::interval,
        .default_value = "\"10 minutes\"",
        .min = 0,
        .min_exclusive = true,
        .deployment = true,
        .sentence = "Interval between checkpoints.",
        .field = field<&C::checkpoint, &Checkpoint::every>},
       {.name = "keep",
        .kind = Kind::integer,
        .default_value = "3",
        .min = 2,
        .deployment = true,
        .sentence = "Number of newest checkpoints to keep.",
        .field = field<&C::checkpoint, &Checkpoint::keep>},
       {.name = "best",
        .default_value = "\"val/loss\"",
        .sentence = "Metric whose best checkpoint is also kept, such as val/loss, val/acc, "
                    "val/top5, val/perplexity, val/rmse, val/mae, val/r2; or none.",
        .field = field<&C::checkpoint, &Checkpoint::best>},
       {.name = "overhead",
        .kind = Kind::real,
        .default_value = "0.01",
        .min = 0,
        .max = 1,
        .min_exclusive = true,
        .deployment = true,
        .sentence =
            "Largest fraction of the time that saving may block training: a save that would take "
            "more continues in the background, and time intervals are lengthened until it fits.",
        .field = field<&C::checkpoint, &Checkpoint::overhead>},
       {.name = "max_failed_saves",
        .kind = Kind::integer,
        .default_value = "3",
        .min = 1,
        .deployment = true,
        .sentence = "Consecutive failed saves, as on a full disk, after which the run ends with "
                    "exit code 74; until then it warns and continues.",
        .field = field<&C::checkpoint, &Checkpoint::max_failed_saves>}}};
}

Section eval_section() {
  return {"eval",
          "When the network is evaluated on the validation samples.",
          {{.name = "every",
            .kind = Kind::interval,
            .default_value = "\"1 epoch\"",
            .min = 0,
            .min_exclusive = true,
            .choices = {"steps", "epochs"},
            .sentence = "Interval between evaluations.",
            .field = field<&Config::eval, &Eval::every>}}};
}

Section stop_section() {
  using C = Config;
  return {"stop",
          "Early stopping: when the run ends before its last step, with exit code 0.",
          {{.name = "metric",
            .default_value = "\"val/loss\"",
            .sentence = "Validation metric that must improve; same choices as checkpoint.best.",
            .field = field<&C::stop, &Stop::metric>},
           {.name = "patience",
            .kind = Kind::integer,
            .default_value = "0",
            .min = 0,
            .unit = "evaluations",
            .sentence = "Stop after this many evaluations without improvement; 0: never.",
            .field = field<&C::stop, &Stop::patience>},
           {.name = "min_delta",
            .kind = Kind::real,
            .default_value = "0.0",
            .min = 0,
            .sentence = "Smallest change of the metric that counts as an improvement.",
            .field = field<&C::stop, &Stop::min_delta>},
           {.name = "gradient_norm",
            .kind = Kind::real,
            .default_value = "0.0",
            .min = 0,
            .sentence = "Stop when the global gradient norm, before clipping, falls below this "
                        "value; 0: never.",
            .field = field<&C::stop, &Stop::gradient_norm>},
           {.name = "steps",
            .kind = Kind::integer,
            .default_value = "1",
            .min = 1,
            .unit = "steps",
            .sentence = "Consecutive steps for which the norm must stay below gradient_norm.",
            .field = field<&C::stop, &Stop::steps>}}};
}

Section divergence_section() {
  using C = Config;
  return {
      "divergence",
      "What happens when the loss or gradient of a step is not finite, or the loss spikes. Such a "
      "step never changes the parameters. Parameters or optimizer state that are not finite before "
      "a save are handled the same way, except that skip then ends the run.",
      {{.name = "action",
        .kind = Kind::choice,
        .default_value = "\"stop\"",
        .choices = {"stop", "skip", "rollback"},
        .sentence = "stop: end the run with exit code 80; skip: continue with the next batch; "
                    "rollback: continue from the last checkpoint with a lower learning rate, so "
                    "that checkpoint.every affects the result. skip and rollback compute the "
                    "gradient norm in every step.",
        .field = field<&C::divergence, &Divergence::action>},
       {.name = "spike",
        .kind = Kind::real,
        .default_value = "0.0",
        .min = 0,
        .sentence =
            "A loss this many times its running average over about 50 steps is a spike; 0: off.",
        .field = field<&C::divergence, &Divergence::spike>},
       {.name = "limit",
        .kind = Kind::integer,
        .default_value = "3",
        .min = 1,
        .sentence = "Consecutive skipped steps, or rollbacks, after which the run ends.",
        .field = field<&C::divergence, &Divergence::limit>},
       {.name = "rate_factor",
        .kind = Kind::real,
        .default_value = "0.5",
        .min = 0,
        .max = 1,
        .min_exclusive = true,
        .sentence = "Factor on the learning rate after each rollback; 1 helps only against faults "
                    "that do not recur, such as those of a machine.",
        .field = field<&C::divergence, &Divergence::rate_factor>}}};
}

Section audit_section() {
  using C = Config;
  return {"audit",
          "Detects faulty memory and processors. Before every update, checkpoint and audit, each "
          "rank verifies that its part of the parameters and optimizer state is as the last update "
          "left it. In an audit, all nodes compare digests of their parameters, and all ranks "
          "compute and compare the gradient of the same microbatch.",
          {{.name = "every",
            .kind = Kind::interval,
            .default_value = "\"1000 steps\"",
            .min = 0,
            .deployment = true,
            .sentence = "Interval between audits, in steps or epochs; \"0 steps\": no audits and "
                        "no verification.",
            .field = field<&C::audit, &Audit::every>},
           {.name = "action",
            .kind = Kind::choice,
            .default_value = "\"stop\"",
            .choices = {"stop", "rollback"},
            .deployment = true,
            .sentence = "What happens after a mismatch, whose rank and host are reported. stop: "
                        "end the run with exit code 81; rollback: continue from the last "
                        "checkpoint, up to three times in a row.",
            .field = field<&C::audit, &Audit::action>}}};
}

Section log_section() {
  return {"log",
          "How often training metrics are logged.",
          {{.name = "every",
            .kind = Kind::interval,
            .default_value = "\"10 steps\"",
            .min = 0,
            .min_exclusive = true,
            .deployment = true,
            .sentence = "Interval between step lines in metrics.jsonl.",
            .field = field<&Config::log, &Log::every>}}};
}

Section watchdog_section() {
  using C = Config;
  return {"watchdog",
          "When a rank that makes no progress ends the job with exit code 82.",
          {{.name = "limit",
            .kind = Kind::interval,
            .default_value = "\"10 minutes\"",
            .min = 0,
            .choices = {"seconds"},
            .deployment = true,
            .sentence = "Longest time that a rank may be stopped, or make no progress in a step or "
                        "an evaluation; \"0 s\": no limit.",
            .field = field<&C::watchdog, &Watchdog::limit>},
           {.name = "slow_limit",
            .kind = Kind::interval,
            .default_value = "\"1 hour\"",
            .min = 0,
            .choices = {"seconds"},
            .deployment = true,
            .sentence = "The same while it starts, ends, reads data or writes records, since disks "
                        "can be slow; never less than limit. A save that makes no progress for 10 "
                        "minutes also ends the job.",
            .field = field<&C::watchdog, &Watchdog::slow_limit>},
           {.name = "straggler",
            .kind = Kind::real,
            .default_value = "2.0",
            .min = 0,
            .deployment = true,
            .sentence = "Warn about a rank whose own work in an epoch takes this many times the "
                        "median of the others, and at least a second; 0: never.",
            .field = field<&C::watchdog, &Watchdog::straggler>}}};
}

// Typed sections: these keys come with every type, the others stand next to what they configure.

Section augment_section() {
  return {"augment",
          "Augmentations of the training samples, applied in order each time a sample is read.",
          {},
          &Catalogue::augmentations,
          {},
          true};
}

Section layer_section() {
  return {"layer",
          "The layers of the network, in order of execution.",
          {{.name = "name",
            .sentence = "Name of the layer, also used for its parameters; by default its type: "
                        "relu, relu_2, relu_3."},
           {.name = "from",
            .kind = Kind::texts,
            .sentence = "Names of the layers that it takes its inputs from, \"input\" for the "
                        "input of the network; by default the previous layer."}},
          &Catalogue::layers,
          {},
          true};
}

Section loss_section() {
  return {"loss", "The loss function that training minimizes.", {}, &Catalogue::losses};
}

Section optimizer_section() {
  return {"optimizer",
          "How the parameters are updated.",
          {{.name = "lr",
            .kind = Kind::real,
            .required = true,
            .min = 0,
            .min_exclusive = true,
            .sentence = "Learning rate; not rescaled unless scale_lr is set."},
           {.name = "weight_decay",
            .kind = Kind::real,
            .default_value = "0.0",
            .min = 0,
            .sentence = "Weight decay coefficient."},
           {.name = "decay",
            .kind = Kind::choice,
            .default_value = "\"all\"",
            .choices = {"all", "weights"},
            .sentence = "Which parameters decay: all, or weights only, without biases and the "
                        "scales and shifts of norms."},
           {.name = "clip_norm",
            .kind = Kind::real,
            .default_value = "0.0",
            .min = 0,
            .sentence = "Clip the global gradient norm to this value; 0: off."},
           {.name = "ema",
            .kind = Kind::real,
            .default_value = "0.0",
            .min = 0,
            .max = 1,
            .max_exclusive = true,
            .sentence = "Decay d of an exponential moving average of the weights, e = d e + (1 - "
                        "d) w, which evaluation then uses; 0: off."},
           {.name = "scale_lr",
            .kind = Kind::choice,
            .default_value = "\"none\"",
            .choices = {"none", "linear", "sqrt"},
            .sentence = "Scale lr with the batch size: linear: times data.batch / base_batch; "
                        "sqrt: times its square root."},
           {.name = "base_batch",
            .kind = Kind::integer,
            .min = 1,
            .unit = "samples",
            .sentence = "Batch size that lr was tuned for; required by scale_lr."}},
          &Catalogue::optimizers};
}

Section schedule_section() {
  return {"schedule",
          "How the learning rate changes during the run.",
          {{.name = "warmup",
            .kind = Kind::interval,
            .default_value = "\"0 steps\"",
            .min = 0,
            .choices = {"steps", "epochs"},
            .sentence = "Length of the linear warm-up from 0 to lr."}},
          &Catalogue::schedules,
          "constant"};
}

}  // namespace

const std::vector<Section>& sections() {
  static const std::vector<Section> table{
      run_section(),        data_section(),      augment_section(),  layer_section(),
      loss_section(),       optimizer_section(), schedule_section(), parallel_section(),
      checkpoint_section(), eval_section(),      stop_section(),     divergence_section(),
      audit_section(),      log_section(),       watchdog_section()};
  return table;
}

}  // namespace lockstep::config
