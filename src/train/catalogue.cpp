#include "lockstep/train/catalogue.hpp"

#include <algorithm>
#include <cmath>

#include "lockstep/base/error.hpp"
#include "lockstep/nn/layers.hpp"

namespace lockstep {
namespace {

using config::Component;
using config::Key;
using config::Kind;
using config::Settings;

// What a row makes: the component's keys and, beside them, the code that reads them.
template <typename Product, typename... Arguments>
struct Row {
  Component component;
  std::unique_ptr<Product> (*make)(const Settings&, Arguments...);
};

// -- Layers ---------------------------------------------------------------------------------------

Initializer::Kind initializer_of(const Settings& s) {
  const std::string& name = s.text("init");
  if (name == "he_uniform") return Initializer::Kind::he_uniform;
  if (name == "xavier_normal") return Initializer::Kind::xavier_normal;
  if (name == "xavier_uniform") return Initializer::Kind::xavier_uniform;
  return Initializer::Kind::he_normal;
}

const Key kInit{.name = "init",
                .kind = Kind::choice,
                .default_value = "\"he_normal\"",
                .choices = {"he_normal", "he_uniform", "xavier_normal", "xavier_uniform"},
                .sentence = "Distribution of the initial weights; biases start at 0."};

const std::vector<Row<Layer>>& layer_rows() {
  static const std::vector<Row<Layer>> rows{
      {{"linear",
        "Fully connected: y = x W + b.",
        {{.name = "out",
          .kind = Kind::integer,
          .required = true,
          .min = 1,
          .max = 1 << 24,
          .sentence = "Number of outputs."},
         {.name = "bias",
          .kind = Kind::boolean,
          .default_value = "true",
          .sentence = "Whether a bias is learned."},
         kInit}},
       [](const Settings& s) {
         return linear(s.integer("out"), {.bias = s.boolean("bias"), .weights = initializer_of(s)});
       }},
      {{"flatten", "Turns an image or sequence into one vector."},
       [](const Settings&) { return flatten(); }},
      {{"relu", "y = max(x, 0)."}, [](const Settings&) { return relu(); }},
      {{"tanh", "y = tanh(x)."}, [](const Settings&) { return lockstep::tanh(); }},
      {{"sigmoid", "y = 1 / (1 + exp(-x))."}, [](const Settings&) { return sigmoid(); }},
      {{"gelu", "y = x times the normal distribution function of x."},
       [](const Settings&) { return gelu(); }},
  };
  return rows;
}

// -- Losses ---------------------------------------------------------------------------------------

const std::vector<Row<Loss>>& loss_rows() {
  static const std::vector<Row<Loss>> rows{
      {{"cross_entropy", "Softmax cross-entropy of class labels; metric acc."},
       [](const Settings&) { return cross_entropy(); }},
      {{"mse", "Mean squared error of values; metrics rmse and r2."},
       [](const Settings&) { return mean_squared_error(); }},
  };
  return rows;
}

// -- Optimizers -----------------------------------------------------------------------------------

const std::vector<Row<Optimizer>>& optimizer_rows() {
  static const std::vector<Row<Optimizer>> rows{
      {{"sgd",
        "Gradient descent, with momentum and Nesterov's variant; the same rule as PyTorch's SGD.",
        {{.name = "momentum",
          .kind = Kind::real,
          .default_value = "0.0",
          .min = 0,
          .max = 1,
          .max_exclusive = true,
          .sentence = "Share of the previous update that is kept."},
         {.name = "nesterov",
          .kind = Kind::boolean,
          .default_value = "false",
          .sentence = "Looks one momentum step ahead; needs momentum."}}},
       [](const Settings& s) {
         if (s.boolean("nesterov") && s.real("momentum") == 0) {
           throw s.error("nesterov", "'nesterov' needs 'momentum' above 0");
         }
         return sgd({.momentum = s.real("momentum"),
                     .nesterov = s.boolean("nesterov"),
                     .weight_decay = s.real("weight_decay")});
       }},
      {{"adamw",
        "Adam with decoupled weight decay; the same rule as PyTorch's AdamW.",
        {{.name = "betas",
          .kind = Kind::reals,
          .default_value = "[0.9, 0.999]",
          .min = 0,
          .max = 1,
          .max_exclusive = true,
          .sentence = "Decay of the averages of the gradient and of its square."},
         {.name = "epsilon",
          .kind = Kind::real,
          .default_value = "1e-8",
          .min = 0,
          .min_exclusive = true,
          .sentence = "Added to the root of the second average."}}},
       [](const Settings& s) {
         const std::vector<double>& betas = s.reals("betas");
         if (betas.size() != 2) {
           throw s.error("betas",
                         "'betas' must have 2 numbers, has " + std::to_string(betas.size()));
         }
         return adamw({.beta1 = betas[0],
                       .beta2 = betas[1],
                       .epsilon = s.real("epsilon"),
                       .weight_decay = s.real("weight_decay")});
       }},
  };
  return rows;
}

// -- Schedules ------------------------------------------------------------------------------------

struct Timeline {
  Index steps_per_epoch;
  std::uint64_t total_steps;  // after the warm-up
  double base;
};

using ScheduleRow = Row<Schedule, const Timeline&>;

const std::vector<ScheduleRow>& schedule_rows() {
  static const std::vector<ScheduleRow> rows{
      {{"constant", "Always lr."},
       [](const Settings&, const Timeline&) { return constant_schedule(); }},
      {{"step",
        "lr times factor once more after each interval.",
        {{.name = "every",
          .kind = Kind::interval,
          .required = true,
          .min = 0,
          .min_exclusive = true,
          .choices = {"steps", "epochs"},
          .sentence = "Distance between two drops."},
         {.name = "factor",
          .kind = Kind::real,
          .default_value = "0.1",
          .min = 0,
          .max = 1,
          .min_exclusive = true,
          .sentence = "What each drop multiplies by."}}},
       [](const Settings& s, const Timeline& t) {
         return step_schedule(steps_of(s.interval("every"), t.steps_per_epoch), s.real("factor"));
       }},
      {{"cosine",
        "Half a cosine from lr to final over the whole run.",
        {{.name = "final",
          .kind = Kind::real,
          .default_value = "0.0",
          .min = 0,
          .sentence = "Learning rate at the end of the run."}}},
       [](const Settings& s, const Timeline& t) {
         if (s.real("final") > t.base)
           throw s.error("final", "'final' must be at most optimizer.lr");
         return cosine_schedule(t.total_steps, s.real("final") / t.base);
       }},
  };
  return rows;
}

// -------------------------------------------------------------------------------------------------

template <typename Rows>
const auto& row_of(const Rows& rows, const Settings& settings) {
  const auto row = std::ranges::find_if(
      rows, [&](const auto& r) { return r.component.type == settings.type(); });
  if (row == rows.end()) {
    throw Error(ExitCode::internal,
                "no row for " + settings.section() + " '" + settings.type() + "'");
  }
  return *row;
}

template <typename Rows>
std::vector<Component> components_of(const Rows& rows) {
  std::vector<Component> components;
  for (const auto& row : rows) components.push_back(row.component);
  return components;
}

}  // namespace

const config::Catalogue& catalogue() {
  static const config::Catalogue all{components_of(layer_rows()), components_of(loss_rows()),
                                     components_of(optimizer_rows()),
                                     components_of(schedule_rows())};
  return all;
}

Network build_network(const config::Config& config, Shape input) {
  Network network(input);
  for (const Settings& s : config.layers) {
    try {
      network.add(row_of(layer_rows(), s).make(s), s.name());
    } catch (const Error& error) {
      throw error.code() == ExitCode::config ? s.error("", error.what()) : error;
    }
  }
  return network;
}

std::unique_ptr<Loss> build_loss(const config::Config& config) {
  return row_of(loss_rows(), config.loss).make(config.loss);
}

std::unique_ptr<Optimizer> build_optimizer(const config::Config& config) {
  return row_of(optimizer_rows(), config.optimizer).make(config.optimizer);
}

LearningRate::LearningRate(const config::Config& config, Index steps_per_epoch,
                           std::uint64_t total_steps)
    : base_(config.optimizer.real("lr")) {
  const Settings& s = config.schedule;
  const config::Interval warmup = s.interval("warmup");
  warmup_ = warmup.value == 0 ? 0 : steps_of(warmup, steps_per_epoch);
  const std::uint64_t rest = total_steps > warmup_ ? total_steps - warmup_ : 1;
  schedule_ = row_of(schedule_rows(), s).make(s, {steps_per_epoch, rest, base_});
}

double LearningRate::at(std::uint64_t step) const {
  return learning_rate(*schedule_, base_, warmup_, step);
}

std::uint64_t steps_of(const config::Interval& interval, Index steps_per_epoch) {
  if (interval.unit == config::Interval::Unit::seconds) {
    throw Error(ExitCode::internal, "an interval of time is no number of steps");
  }
  const double per_unit =
      interval.unit == config::Interval::Unit::epochs ? static_cast<double>(steps_per_epoch) : 1.0;
  return std::max<std::uint64_t>(
      1, static_cast<std::uint64_t>(std::llround(interval.value * per_unit)));
}

}  // namespace lockstep
