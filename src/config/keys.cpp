// The table of every key that does not depend on a catalogue: one row each, and nothing about a key
// stands elsewhere.
#include "config/data_keys.hpp"
#include "config/field.hpp"

namespace lockstep::config {
namespace {

Section run_section() {
  using C = Config;
  return {"run",
          "What this run is called, how long it goes and from which random numbers.",
          {{.name = "name",
            .deployment = true,
            .sentence = "Name of the run and of its directory; without it, that of the file.",
            .field = field<&C::run, &Run::name>},
           {.name = "seed",
            .kind = Kind::integer,
            .default_value = "0",
            .min = 0,
            .sentence = "Decides every random number: initial weights, order of the data, dropout.",
            .field = field<&C::run, &Run::seed>},
           {.name = "epochs",
            .kind = Kind::integer,
            .min = 1,
            .unit = "epochs",
            .sentence = "Passes over the training data; give either this or steps.",
            .field = field<&C::run, &Run::epochs>},
           {.name = "steps",
            .kind = Kind::integer,
            .min = 1,
            .unit = "steps",
            .sentence = "Updates of the parameters; give either this or epochs.",
            .field = field<&C::run, &Run::steps>}}};
}

Section parallel_section() {
  using C = Config;
  return {
      "parallel",
      "How the work is cut and exchanged; only microbatches can change a result.",
      {{.name = "microbatches",
        .kind = Kind::integer,
        .default_value = "0",
        .min = 0,
        .sentence =
            "Pieces of the global batch, whoever computes them; 0: the smallest power of two "
            "that is at least 8 and at least the ranks of the first start.",
        .field = field<&C::parallel, &Parallel::microbatches>},
       {.name = "rounds",
        .kind = Kind::integer,
        .default_value = "0",
        .min = 0,
        .deployment = true,
        .sentence =
            "Gradient accumulation: rounds in which each rank computes its microbatches; each "
            "one more takes less memory for activations. 0: as many as are fast, so that "
            "activations stay in the caches.",
        .field = field<&C::parallel, &Parallel::rounds>},
       {.name = "threads",
        .kind = Kind::integer,
        .default_value = "0",
        .min = 0,
        .max = 4096,
        .deployment = true,
        .sentence = "Threads of each rank; 0: as many as the affinity mask gives.",
        .field = field<&C::parallel, &Parallel::threads>},
       {.name = "bucket",
        .kind = Kind::bytes,
        .default_value = "\"1 MiB\"",
        .min = 64,
        .unit = "bytes",
        .deployment = true,
        .sentence = "Gradients that travel together.",
        .field = field<&C::parallel, &Parallel::bucket>},
       {.name = "overlap",
        .kind = Kind::boolean,
        .default_value = "true",
        .deployment = true,
        .sentence = "Exchange gradients while backpropagation goes on; ranks of several threads "
                    "do so between nodes only.",
        .field = field<&C::parallel, &Parallel::overlap>}}};
}

Section checkpoint_section() {
  using C = Config;
  return {"checkpoint",
          "When the state of the run is saved, besides at its end.",
          {{.name = "every",
            .kind = Kind::interval,
            .default_value = "\"10 minutes\"",
            .min = 0,
            .min_exclusive = true,
            .deployment = true,
            .sentence = "Distance between two checkpoints.",
            .field = field<&C::checkpoint, &Checkpoint::every>},
           {.name = "keep",
            .kind = Kind::integer,
            .default_value = "3",
            .min = 2,
            .deployment = true,
            .sentence = "How many of the newest checkpoints stay on the disk.",
            .field = field<&C::checkpoint, &Checkpoint::keep>},
           {.name = "best",
            .default_value = "\"val/loss\"",
            .sentence = "Metric whose best checkpoint is kept as well, such as val/loss, val/acc, "
                        "val/top5, val/perplexity, val/rmse, val/mae, val/r2; or none.",
            .field = field<&C::checkpoint, &Checkpoint::best>},
           {.name = "overhead",
            .kind = Kind::real,
            .default_value = "0.01",
            .min = 0,
            .max = 1,
            .min_exclusive = true,
            .deployment = true,
            .sentence = "Fraction of the time that saving may stop training for: a save that takes "
                        "more of it goes on in the background, and distances in time grow until "
                        "the stop is no larger.",
            .field = field<&C::checkpoint, &Checkpoint::overhead>},
           {.name = "max_failed_saves",
            .kind = Kind::integer,
            .default_value = "3",
            .min = 1,
            .deployment = true,
            .sentence = "Checkpoints in a row that may fail, as on a full disk, before the run "
                        "ends with exit code 74; until then it warns and goes on.",
            .field = field<&C::checkpoint, &Checkpoint::max_failed_saves>}}};
}

Section eval_section() {
  return {"eval",
          "When the validation samples are measured.",
          {{.name = "every",
            .kind = Kind::interval,
            .default_value = "\"1 epoch\"",
            .min = 0,
            .min_exclusive = true,
            .choices = {"steps", "epochs"},
            .sentence = "Distance between two evaluations.",
            .field = field<&Config::eval, &Eval::every>}}};
}

Section stop_section() {
  using C = Config;
  return {"stop",
          "When the run ends before its last step, with exit code 0.",
          {{.name = "metric",
            .default_value = "\"val/loss\"",
            .sentence = "Figure of the validation samples that must improve; as checkpoint.best.",
            .field = field<&C::stop, &Stop::metric>},
           {.name = "patience",
            .kind = Kind::integer,
            .default_value = "0",
            .min = 0,
            .unit = "evaluations",
            .sentence = "Evaluations without improvement after which the run ends; 0: never.",
            .field = field<&C::stop, &Stop::patience>},
           {.name = "min_delta",
            .kind = Kind::real,
            .default_value = "0.0",
            .min = 0,
            .sentence = "What metric must gain over its best to count as an improvement.",
            .field = field<&C::stop, &Stop::min_delta>},
           {.name = "gradient_norm",
            .kind = Kind::real,
            .default_value = "0.0",
            .min = 0,
            .sentence = "The slope vanishes: norm of the whole gradient, before clipping, below "
                        "which the run ends; 0: never.",
            .field = field<&C::stop, &Stop::gradient_norm>},
           {.name = "steps",
            .kind = Kind::integer,
            .default_value = "1",
            .min = 1,
            .unit = "steps",
            .sentence = "Steps in a row in which it must be below gradient_norm.",
            .field = field<&C::stop, &Stop::steps>}}};
}

Section divergence_section() {
  using C = Config;
  return {"divergence",
          "What is done about a step whose loss or gradient is not finite, or whose loss is a "
          "spike. The parameters are never changed by such a step. Before a save, parameters and "
          "state that the last update made infinite are treated alike, but skip ends the run.",
          {{.name = "action",
            .kind = Kind::choice,
            .default_value = "\"stop\"",
            .choices = {"stop", "skip", "rollback"},
            .sentence = "stop: the run ends with exit code 80; skip: it goes on with the next "
                        "batch; rollback: it goes on from the last checkpoint of checkpoint.every, "
                        "which then decides the result, too, with a lower learning rate. The last "
                        "two measure the gradient's norm in every step.",
            .field = field<&C::divergence, &Divergence::action>},
           {.name = "spike",
            .kind = Kind::real,
            .default_value = "0.0",
            .min = 0,
            .sentence = "A loss so many times the usual, its average over about 50 steps, is a "
                        "spike; 0: none is.",
            .field = field<&C::divergence, &Divergence::spike>},
           {.name = "limit",
            .kind = Kind::integer,
            .default_value = "3",
            .min = 1,
            .sentence = "Steps skipped in a row, or rollbacks, after which the run ends after all.",
            .field = field<&C::divergence, &Divergence::limit>},
           {.name = "rate_factor",
            .kind = Kind::real,
            .default_value = "0.5",
            .min = 0,
            .max = 1,
            .min_exclusive = true,
            .sentence = "What each rollback multiplies the learning rate by; with 1 the run only "
                        "gets over what does not happen again, such as a fault of a machine.",
            .field = field<&C::divergence, &Divergence::rate_factor>}}};
}

Section audit_section() {
  using C = Config;
  return {"audit",
          "How faulty memory and processors are found. Before every update, checkpoint and audit "
          "each rank verifies that its part of the parameters and of the optimizer's state is as "
          "the last update left it. In an audit all nodes compare digests of their parameters, "
          "and all ranks the gradient of one microbatch that each of them computes.",
          {{.name = "every",
            .kind = Kind::interval,
            .default_value = "\"1000 steps\"",
            .min = 0,
            .deployment = true,
            .sentence = "Distance between two audits, in steps or epochs; \"0 steps\": never, "
                        "and nothing is verified.",
            .field = field<&C::audit, &Audit::every>},
           {.name = "action",
            .kind = Kind::choice,
            .default_value = "\"stop\"",
            .choices = {"stop", "rollback"},
            .deployment = true,
            .sentence = "After a difference, whose rank and host are named. stop: the run ends "
                        "with exit code 81; rollback: it goes on from the last checkpoint, up to "
                        "three times in a row.",
            .field = field<&C::audit, &Audit::action>}}};
}

Section log_section() {
  return {"log",
          "What is written while the run goes on.",
          {{.name = "every",
            .kind = Kind::interval,
            .default_value = "\"10 steps\"",
            .min = 0,
            .min_exclusive = true,
            .deployment = true,
            .sentence = "Distance between two step lines in metrics.jsonl.",
            .field = field<&Config::log, &Log::every>}}};
}

Section watchdog_section() {
  using C = Config;
  return {"watchdog",
          "When a rank that makes no progress ends the job, with exit code 82.",
          {{.name = "limit",
            .kind = Kind::interval,
            .default_value = "\"10 minutes\"",
            .min = 0,
            .choices = {"seconds"},
            .deployment = true,
            .sentence = "How long a rank may be stopped, or make no progress within a step or an "
                        "evaluation; \"0 s\": for ever.",
            .field = field<&C::watchdog, &Watchdog::limit>},
           {.name = "slow_limit",
            .kind = Kind::interval,
            .default_value = "\"1 hour\"",
            .min = 0,
            .choices = {"seconds"},
            .deployment = true,
            .sentence = "The same while it starts, ends, reads data or writes records, for disks "
                        "can be slow; at least limit counts. A save that does not get on for 10 "
                        "minutes ends the job, too.",
            .field = field<&C::watchdog, &Watchdog::slow_limit>},
           {.name = "straggler",
            .kind = Kind::real,
            .default_value = "2.0",
            .min = 0,
            .deployment = true,
            .sentence = "A rank whose own work in an epoch takes this many times the median of the "
                        "others, and a second, is named in a warning; 0: never.",
            .field = field<&C::watchdog, &Watchdog::straggler>}}};
}

// Typed sections: these keys come with every type, the others stand next to what they configure.

Section augment_section() {
  return {"augment",
          "What is done to training samples whenever they are read, one element after the other.",
          {},
          &Catalogue::augmentations,
          {},
          true};
}

Section layer_section() {
  return {
      "layer",
      "The network: one element for each layer, in the order of execution.",
      {{.name = "name",
        .sentence = "Name of the layer and of its parameters; without it type, type_2, type_3."},
       {.name = "from",
        .kind = Kind::texts,
        .sentence =
            "Names of the layers whose outputs it takes, \"input\" for the network's input; "
            "without it the layer before."}},
      &Catalogue::layers,
      {},
      true};
}

Section loss_section() { return {"loss", "What training makes small.", {}, &Catalogue::losses}; }

Section optimizer_section() {
  return {"optimizer",
          "How the parameters follow the gradient.",
          {{.name = "lr",
            .kind = Kind::real,
            .required = true,
            .min = 0,
            .min_exclusive = true,
            .sentence = "Learning rate; rescaled by scale_lr alone."},
           {.name = "weight_decay",
            .kind = Kind::real,
            .default_value = "0.0",
            .min = 0,
            .sentence = "Strength of the pull of the weights towards 0."},
           {.name = "decay",
            .kind = Kind::choice,
            .default_value = "\"all\"",
            .choices = {"all", "weights"},
            .sentence = "What weight_decay pulls at: all, or all but biases, scales and shifts."},
           {.name = "clip_norm",
            .kind = Kind::real,
            .default_value = "0.0",
            .min = 0,
            .sentence = "Largest norm of the whole gradient, longer ones are shortened; 0: off."},
           {.name = "ema",
            .kind = Kind::real,
            .default_value = "0.0",
            .min = 0,
            .max = 1,
            .max_exclusive = true,
            .sentence = "Decay d of the average e = d e + (1 - d) w of the weights w over steps, "
                        "which is then what is judged; 0: none."},
           {.name = "scale_lr",
            .kind = Kind::choice,
            .default_value = "\"none\"",
            .choices = {"none", "linear", "sqrt"},
            .sentence = "Multiplies lr by data.batch / base_batch, or by its root."},
           {.name = "base_batch",
            .kind = Kind::integer,
            .min = 1,
            .unit = "samples",
            .sentence = "Batch for which lr was chosen; needed by scale_lr."}},
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
            .sentence = "Time in which the learning rate grows from 0 to lr."}},
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
