#include "lockstep/run/metrics_log.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

namespace lockstep {
namespace {

using Json = nlohmann::json;

bool has_type(const Json& value, const std::string& type) {
  if (type == "integer") return value.is_number_integer();
  if (type == "number") return value.is_number();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "null") return value.is_null();
  if (type == "array") return value.is_array();
  return type == "object" && value.is_object();
}

/// Judges by the part of JSON Schema that the schema of the metrics uses; a keyword beyond it is a
/// failure of the test.
class Validator {
 public:
  explicit Validator(const Json& root) : root_(root) {}

  [[nodiscard]] bool valid(const Json& value) const { return valid(value, root_); }

 private:
  [[nodiscard]] bool valid(const Json& value, const Json& schema) const {
    if (schema.is_boolean()) return schema.get<bool>();
    for (const auto& [keyword, rule] : schema.items()) {
      if (!obeys(value, keyword, rule, schema)) return false;
    }
    return true;
  }

  [[nodiscard]] bool obeys(const Json& value, const std::string& keyword, const Json& rule,
                           const Json& schema) const {
    if (keyword.starts_with("$") && keyword != "$ref") return true;
    if (keyword == "title" || keyword == "description" || keyword == "properties") return true;
    if (keyword == "$ref") {
      return valid(value, root_.at(Json::json_pointer(rule.get<std::string>().substr(1))));
    }
    if (keyword == "const") return value == rule;
    if (keyword == "enum") return std::ranges::count(rule, value) == 1;
    if (keyword == "minimum") return value >= rule;
    if (keyword == "type") {
      const Json types = rule.is_array() ? rule : Json::array({rule});
      return std::ranges::any_of(types, [&](const Json& t) { return has_type(value, t); });
    }
    if (keyword == "items") {
      return std::ranges::all_of(value, [&](const Json& item) { return valid(item, rule); });
    }
    if (keyword == "required") {
      return std::ranges::all_of(
          rule, [&](const Json& name) { return value.contains(name.get<std::string>()); });
    }
    if (keyword == "oneOf") {
      return std::ranges::count_if(rule, [&](const Json& s) { return valid(value, s); }) == 1;
    }
    if (keyword == "additionalProperties") return properties_valid(value, schema);
    ADD_FAILURE() << "unknown keyword " << keyword;
    return false;
  }

  [[nodiscard]] bool properties_valid(const Json& value, const Json& schema) const {
    if (!value.is_object()) return false;
    const Json& known = schema.at("properties");
    for (const auto& [name, member] : value.items()) {
      if (!valid(member, known.contains(name) ? known[name] : schema["additionalProperties"])) {
        return false;
      }
    }
    return true;
  }

  const Json& root_;
};

class MetricsLogTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "metrics-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
    file_ = directory_ / "metrics.jsonl";
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  [[nodiscard]] MetricsLog open() {
    return {AppendedFile(Directory(directory_), "metrics.jsonl"),
            [this](const std::string& text) { warnings_.push_back(text); }};
  }
  [[nodiscard]] std::vector<std::string> lines() const {
    std::vector<std::string> all;
    std::ifstream file(file_);
    for (std::string line; std::getline(file, line);) all.push_back(line);
    return all;
  }

  std::filesystem::path directory_;
  std::filesystem::path file_;
  std::vector<std::string> warnings_;
};

StepEvent a_step() {
  StepEvent step;
  step.step = 470;
  step.epoch = 2;
  step.loss = 0.0981;
  step.learning_rate = 0.1809;
  step.gradient_norm = 0.164;
  step.samples = 256;
  step.seconds = 0.0125;
  step.times.seconds = {0.0002, 0.004, 0.006, 0.0003, 0.0005, 0.001, 0.0001, 0, 0.0004};
  step.logged = true;
  return step;
}

TEST_F(MetricsLogTest, WritesAStepInFull) {
  MetricsLog log = open();
  log.on_step(a_step());
  ASSERT_EQ(lines().size(), 1U);
  EXPECT_EQ(lines()[0],
            R"({"t":"step","step":470,"epoch":2.0,"loss":0.0981,"lr":0.1809,"grad_norm":0.164,)"
            R"("samples":256,"step_s":0.0125,"samples_per_s":20480.0,"data_s":0.0002,)"
            R"("forward_s":0.004,"backward_s":0.006,"hidden_s":0.0003,"exposed_s":0.0005,)"
            R"("update_s":0.001,"wait_s":0.0001,"checkpoint_s":0.0,"other_s":0.0004})");
}

TEST_F(MetricsLogTest, LeavesOutStepsThatAreNotLogged) {
  MetricsLog log = open();
  StepEvent step = a_step();
  step.logged = false;
  log.on_step(step);
  EXPECT_TRUE(lines().empty());
}

TEST_F(MetricsLogTest, NamesNumbersThatAreNotFinite) {
  MetricsLog log = open();
  StepEvent step = a_step();
  step.loss = std::numeric_limits<double>::quiet_NaN();
  step.gradient_norm = std::numeric_limits<double>::infinity();
  log.on_step(step);
  const Json json = Json::parse(lines().at(0));
  EXPECT_TRUE(json["loss"].is_null());
  EXPECT_TRUE(json["grad_norm"].is_null());
  EXPECT_EQ(json["nonfinite"], (Json{"loss", "grad_norm"}));
}

TEST_F(MetricsLogTest, NumbersReadBackAsTheSame) {
  MetricsLog log = open();
  for (const double value : {0.1, 1.0 / 3, 5e-324, 1.7976931348623157e308, 0.1 + 0.2}) {
    StepEvent step = a_step();
    step.loss = value;
    log.on_step(step);
    EXPECT_EQ(Json::parse(lines().back())["loss"].get<double>(), value);
  }
}

void tell_everything(Observer& log) {
  RunStart start;
  start.segment = 2;
  start.first_step = 470;
  log.on_start(start);
  log.on_step(a_step());
  EpochEvent epoch;
  epoch.train = {{"loss", 0.1}, {"acc", 0.97}};
  epoch.val = {{"loss", std::numeric_limits<double>::quiet_NaN()}, {"acc", 0.98}};
  log.on_epoch(epoch);
  log.on_times({.step = 470,
                .steps = 235,
                .ranks = {{.rank = 0, .node = "n1", .times = a_step().times, .waited_for = 1},
                          {.rank = 1, .node = "n2", .times = a_step().times}}});
  EvalEvent eval;
  eval.split = "val";
  eval.metrics = {{"loss", 0.1}, {"rmse", 0.2}, {"r2", 0.9}};
  log.on_eval(eval);
  log.on_checkpoint({470, "step-00000470.h5", "8c1e", 0.02, 1000});
  RunEnd end;
  end.status = "preempted";
  end.code = ExitCode::interrupted;
  end.reason = "signal USR1";
  end.milestones = {{0.5, 12, 0.4}, {0.3, 25, -1}, {0.05, 0, -1}};
  end.best = BestMetric{"val/acc", 0.98, 470};
  log.on_end(end);
}

TEST_F(MetricsLogTest, EveryLineObeysTheSchema) {
  MetricsLog log = open();
  tell_everything(log);
  const Json schema = Json::parse(metrics_schema());
  const Validator validator(schema);
  std::vector<std::string> types;
  for (const std::string& line : lines()) {
    EXPECT_TRUE(validator.valid(Json::parse(line))) << line;
    types.push_back(Json::parse(line)["t"]);
  }
  EXPECT_EQ(types,
            (std::vector<std::string>{"run", "resume", "step", "epoch", "rank", "rank", "eval",
                                      "checkpoint", "milestone", "milestone", "end"}));
}

TEST_F(MetricsLogTest, LinesHaveTheirFieldsInTheirOrder) {
  MetricsLog log = open();
  tell_everything(log);
  std::vector<std::string> seen;
  for (const std::string& line : lines()) {
    std::string names;
    const auto json = nlohmann::ordered_json::parse(line);
    for (const auto& [name, value] : json.items()) names += name + " ";
    seen.push_back(names);
  }
  const std::string times =
      "data_s forward_s backward_s hidden_s exposed_s update_s wait_s checkpoint_s other_s ";
  EXPECT_EQ(seen,
            (std::vector<std::string>{
                "t v time segment ranks threads params batch microbatches seed steps_per_epoch "
                "total_steps ",
                "t segment from_step ",
                "t step epoch loss lr grad_norm samples step_s samples_per_s " + times,
                "t step epoch steps train_loss train_acc val_loss val_acc best lr samples_per_s "
                "seconds nonfinite ",
                "t step steps rank node seconds " + times + "waited_for ",
                "t step steps rank node seconds " + times,
                "t step epoch split samples loss rmse r2 seconds ",
                "t step file digest write_s bytes ", "t error step seconds ", "t error step ",
                "t status exit reason step epochs seconds samples_per_s best "}));
}

TEST_F(MetricsLogTest, TheSchemaKnowsWhichFieldsMayBeLeftOut) {
  MetricsLog log = open();
  tell_everything(log);
  const Json schema = Json::parse(metrics_schema());
  const Validator validator(schema);
  std::string optional;
  for (const std::string& line : lines()) {
    const Json whole = Json::parse(line);
    for (const auto& [name, value] : whole.items()) {
      Json part = whole;
      part.erase(name);
      if (validator.valid(part)) optional += whole["t"].get<std::string>() + "." + name + " ";
    }
  }
  EXPECT_EQ(optional,
            "step.grad_norm epoch.nonfinite epoch.train_acc epoch.val_acc epoch.val_loss "
            "rank.waited_for eval.r2 eval.rmse milestone.seconds end.best end.reason ");
}

TEST_F(MetricsLogTest, TheSchemaSaysWhatEachFieldIs) {
  const Json schema = Json::parse(metrics_schema());
  for (const Json& line : schema["oneOf"]) {
    for (const auto& [name, field] : line["properties"].items()) {
      if (name == "t" || name == "nonfinite") continue;
      EXPECT_FALSE(field.value("description", "").empty()) << line["description"] << " " << name;
    }
  }
}

TEST_F(MetricsLogTest, TheSchemaRefusesOtherLines) {
  const Json schema = Json::parse(metrics_schema());
  const Validator validator(schema);
  EXPECT_FALSE(validator.valid(Json::parse(R"({"t":"stop"})")));
  EXPECT_FALSE(validator.valid(Json::parse(R"({"t":"resume","segment":2})")));
  EXPECT_FALSE(validator.valid(Json::parse(R"({"t":"resume","segment":2,"from_step":-1})")));
  EXPECT_FALSE(validator.valid(Json::parse(R"({"t":"resume","segment":2,"from_step":1,"x":0})")));
}

TEST_F(MetricsLogTest, AppendsAndDropsAnUnfinishedLine) {
  std::ofstream(file_) << "{\"t\":\"resume\"}\n{\"t\":\"st";
  MetricsLog log = open();
  log.on_step(a_step());
  ASSERT_EQ(lines().size(), 2U);
  EXPECT_EQ(lines()[0], "{\"t\":\"resume\"}");
  EXPECT_EQ(Json::parse(lines()[1])["step"], 470);
}

TEST_F(MetricsLogTest, AFullDiskIsToldOnceAndLeavesNoHalfLine) {
  MetricsLog log = open();
  log.on_step(a_step());
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = std::filesystem::file_size(file_) + 10;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  log.on_step(a_step());
  log.on_step(a_step());
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_EQ(warnings_.size(), 1U);
  EXPECT_EQ(lines().size(), 1U);
  log.on_step(a_step());
  ASSERT_EQ(lines().size(), 2U);
  EXPECT_EQ(lines()[0], lines()[1]);
}

// Also of bytes that are no UTF-8; and a terminal that shows the file obeys nothing in it.
TEST_F(MetricsLogTest, TextsOfStrangersAreValidJson) {
  MetricsLog log = open();
  RunEnd end;
  end.status = "failed";
  end.reason = "a\x1b[2J\n\"\xC2\x9B\xE2\x80\xAE\xFF";
  log.on_end(end);
  ASSERT_EQ(lines().size(), 1U);
  EXPECT_EQ(Json::parse(lines()[0])["reason"], "a\x1b[2J\n\"\xC2\x9B\xE2\x80\xAE\xEF\xBF\xBD");
  EXPECT_NE(lines()[0].find("a\\u001b[2J\\n\\\"\\u009b\\u202e"), std::string::npos) << lines()[0];
}

}  // namespace
}  // namespace lockstep
