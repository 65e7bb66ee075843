#include "lockstep/config/show.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "config/small_catalogue.hpp"

namespace lockstep::config {
namespace {

const char* const kEverything = R"(
[schedule]
type = "cosine"
final = 1
warmup = "2 epochs"
[parallel]
bucket = 65536
[checkpoint]
every = "1h50m"
[log]
every = "1 step"
)";

std::vector<Override> some_overrides() {
  return {{"run.seed=7", "--seed"},  {"data.mean=[0.1, 2]"},    {"data.std=[1, 1e-7]"},
          {"optimizer.betas=[0.9]"}, {"data.target=y \"1\" #"}, {"data.val=\"a\\\\b\\\"c\""}};
}

TEST(Resolved, TellsTheOriginOfEveryValue) {
  const Config config = parse_text(minimal(kEverything), {{"run.seed=7"}});
  const std::string text = resolved(config, small_catalogue());
  EXPECT_TRUE(
      text.starts_with("[run]\n"
                       "name = \"mlp\"                            # default\n"
                       "seed = 7                                # --set\n"
                       "epochs = 2                              # mlp.toml:2\n"
                       "\n[data]\n"))
      << text;
  EXPECT_NE(text.find("[[layer]]\n"
                      "type = \"linear\"                         # mlp.toml:7\n"
                      "name = \"linear\"                         # default\n"
                      "out = 10                                # mlp.toml:8\n"
                      "bias = true                             # default\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("bucket = \"64 KiB\""), std::string::npos) << text;
  EXPECT_NE(text.find("every = \"110 minutes\""), std::string::npos) << text;
}

TEST(Resolved, HasEveryKeyThatHasAValue) {
  const std::string text = resolved(parse_text(minimal()), small_catalogue());
  for (const Section& section : sections()) {
    for (const Key& key : section.keys) {
      if (key.default_value || key.required) {
        EXPECT_NE(text.find("\n" + key.name + " = "), std::string::npos) << key.name;
      }
    }
  }
}

TEST(Resolved, ParsesBackToTheSame) {
  const Catalogue catalogue = small_catalogue();
  const Config config = parse_text(minimal(kEverything), some_overrides());
  const Config again = parse_text(resolved(config, catalogue), {}, "config.resolved.toml");
  EXPECT_EQ(identity(again, catalogue), identity(config, catalogue));
  EXPECT_EQ(again.run.name, "mlp");
  EXPECT_EQ(again.run.seed, 7);
  EXPECT_EQ(again.data.mean, config.data.mean);
  EXPECT_EQ(again.data.deviation, config.data.deviation);
  EXPECT_EQ(again.data.target, Column("y \"1\" #"));
  EXPECT_EQ(again.data.val, "a\\b\"c");
  EXPECT_EQ(again.parallel.bucket, 65536);
  EXPECT_EQ(again.checkpoint.every, config.checkpoint.every);
  EXPECT_EQ(again.log.every, config.log.every);
  EXPECT_EQ(again.schedule.interval("warmup"), config.schedule.interval("warmup"));
  EXPECT_EQ(again.optimizer.reals("betas"), (std::vector<double>{0.9}));
}

TEST(Identity, DependsOnValuesNotOnTheirOrigin) {
  const Catalogue catalogue = small_catalogue();
  const std::string text = identity(parse_text(minimal()), catalogue);
  const std::vector<Override> same{{"run.seed=0"},           {"optimizer.lr=1e-1"},
                                   {"layer[0].name=linear"}, {"schedule.type=constant"},
                                   {"run.name=other"},       {"parallel.threads=3"},
                                   {"checkpoint.keep=9"}};
  EXPECT_EQ(identity(parse_text(minimal(), same, "else.toml"), catalogue), text);
  EXPECT_EQ(identity(parse_text("# a comment\n" + minimal()), catalogue), text);
  for (const char* change : {"run.seed=1", "optimizer.lr=0.2", "layer[0].name=fc", "data.batch=65",
                             "parallel.microbatches=8", "eval.every=2 epochs"}) {
    const std::string other = identity(parse_text(minimal(), {{change}}), catalogue);
    EXPECT_NE(other, text) << change;
    const std::string key(std::string_view(change).substr(0, std::string_view(change).find('=')));
    EXPECT_EQ(differing_keys(text, other), std::vector{key});
  }
  EXPECT_TRUE(differing_keys(text, text).empty());
  const std::string more = text + "\n[[layer]]\ntype = \"relu\"\n";
  EXPECT_EQ(differing_keys(text, more), std::vector<std::string>{"layer[1].type"});
}

TEST(Values, HaveEveryKeyUnderTheNameThatSetGivesIt) {
  const Catalogue catalogue = small_catalogue();
  const std::vector<Override> threads{{"parallel.threads=3"}};
  const auto given = values(parse_text(minimal(), threads), catalogue);
  EXPECT_EQ(given.at("parallel.threads"), "3");
  EXPECT_EQ(given.at("optimizer.lr"), "0.1");
  EXPECT_EQ(given.at("layer[0].type"), "\"linear\"");
  const std::vector<Override> others{{"optimizer.lr=1e-1"}, {"log.every=7 steps"}};
  auto changed = values(parse_text(minimal(), others), catalogue);
  EXPECT_EQ(changed.at("log.every"), "\"7 steps\"");
  changed["log.every"] = given.at("log.every");
  changed["parallel.threads"] = "3";
  EXPECT_EQ(changed, given);
}

TEST(Identity, HasNoDeploymentKeysAndParses) {
  const Catalogue catalogue = small_catalogue();
  const Config config = parse_text(minimal(kEverything), some_overrides());
  const std::string text = identity(config, catalogue);
  EXPECT_EQ(text.find('['), 0U);
  for (const char* absent : {"threads", "name = \"mlp\"", "[log]", "keep =", "bucket"}) {
    EXPECT_EQ(text.find(absent), std::string::npos) << absent;
  }
  EXPECT_EQ(identity(parse_text(text), catalogue), text);
}

TEST(Identity, FollowsAFieldThatIsFilledInLater) {
  Config config = parse_text(minimal());
  config.parallel.microbatches = 16;
  EXPECT_NE(identity(config, small_catalogue()).find("microbatches = 16\n"), std::string::npos);
}

TEST(Identity, IsReadWhateverItAsksOfTraining) {
  const Catalogue catalogue = small_catalogue();
  const std::vector<std::vector<Override>> trainings{
      {{"divergence.action=rollback"}, {"checkpoint.every=7 steps"}},
      {{"eval.every=0.00001 epochs"}},
      {{"schedule.warmup=0.0000123 epochs"}},
      {{"parallel.microbatches=64"}},
      {{"stop.patience=3"}, {"stop.metric=val/acc"}},
      {{"data.train=../../a [b] {c}"}}};
  for (const auto& overrides : trainings) {
    const std::string text = identity(parse_text(minimal(), overrides), catalogue);
    const Config again = parse_identity({"a.h5", text}, catalogue);
    EXPECT_EQ(identity(again, catalogue), text) << overrides.front().assignment;
  }
}

// A list has one line, however long it is: class weights of many classes, means of many channels.
TEST(Identity, IsReadWithLongLists) {
  const Catalogue catalogue = small_catalogue();
  Config config = parse_text(minimal());
  for (int i = 0; i < 100'000; ++i) config.data.mean.push_back(0.5 + 1e-3 * i);
  config.data.deviation = config.data.mean;
  const std::string text = identity(config, catalogue);
  EXPECT_GT(text.size(), kMaxConfigBytes);
  EXPECT_EQ(parse_identity({"a.h5", text}, catalogue).data.mean, config.data.mean);
}

// Without the keys of deployment a rollback could go anywhere; a network must hold all the same.
TEST(Identity, IsRefusedWhereTheNetworkIsWrong) {
  const std::string text = identity(parse_text(minimal()), small_catalogue());
  EXPECT_THROW(
      static_cast<void>(parse_identity(
          {"a.h5", text + "\n[[layer]]\ntype = \"relu\"\nname = \"linear\"\n"}, small_catalogue())),
      Error);
}

TEST(Explain, KeysTypesAndSections) {
  const Catalogue catalogue = small_catalogue();
  const std::string momentum =
      "optimizer.sgd.momentum\n"
      "  real, at least 0 and below 1, default 0.0\n"
      "  Fraction of the previous update that is kept.\n";
  EXPECT_EQ(explain(catalogue, "optimizer.momentum"), momentum);
  EXPECT_EQ(explain(catalogue, "optimizer.sgd.momentum"), momentum);
  EXPECT_EQ(explain(catalogue, "layer.linear.out"),
            "layer.linear.out\n  integer, at least 1, required\n  Outputs.\n");
  EXPECT_EQ(explain(catalogue, "parallel.bucket"),
            "parallel.bucket\n  size (bytes), at least 64, default \"1 MiB\"\n"
            "  Size of a gradient bucket: gradients that are exchanged together. Does not change "
            "the result of a run.\n");
  EXPECT_EQ(explain(catalogue, "eval.every"),
            "eval.every\n  interval in steps or epochs, above 0, default \"1 epoch\"\n"
            "  Interval between evaluations.\n");
  EXPECT_EQ(explain(catalogue, "schedule.type"),
            "schedule.type\n  one of constant, cosine, default \"constant\"\n  Which schedule.\n");
  EXPECT_NE(explain(catalogue, "layer").find("  relu             Positive part.\n"),
            std::string::npos);
  EXPECT_NE(explain(catalogue, "layer.linear").find("layer.linear.bias\n"), std::string::npos);
  for (const Section& section : sections()) {
    EXPECT_NE(explain(catalogue, "").find(section.sentence), std::string::npos);
    EXPECT_NE(explain(catalogue, section.name).find(section.sentence), std::string::npos);
  }
}

TEST(Explain, UnknownNamesTheNearest) {
  const auto complaint = [](std::string_view path) -> std::string {
    try {
      return explain(small_catalogue(), path);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::usage);
      return error.what();
    }
  };
  EXPECT_EQ(complaint("optimzer"),
            "nothing to explain about 'optimzer'; did you mean 'optimizer'?");
  EXPECT_EQ(complaint("optimizer.momentun"),
            "nothing to explain about 'optimizer.momentun'; did you mean 'momentum'?");
  EXPECT_EQ(complaint("layer.linear.ot"),
            "nothing to explain about 'layer.linear.ot'; did you mean 'out'?");
  EXPECT_EQ(complaint("layer.liner.out"),
            "nothing to explain about 'layer.liner.out'; did you mean 'linear'?");
  EXPECT_EQ(complaint("layer.linear.biased_by"),
            "nothing to explain about 'layer.linear.biased_by'; did you mean 'bias'?");
  EXPECT_EQ(complaint("run.seed.x"), "nothing to explain about 'run.seed.x'");
  EXPECT_EQ(complaint("schedule.foo"),
            "nothing to explain about 'schedule.foo'; known: type, warmup, constant, cosine");
  EXPECT_EQ(complaint("log."), "nothing to explain about 'log.'; known: every");
}

TEST(JsonSchema, DescribesEveryKey) {
  const nlohmann::json schema = nlohmann::json::parse(json_schema(small_catalogue()));
  EXPECT_EQ(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
  for (const Section& section : sections()) {
    const nlohmann::json& described = schema["properties"][section.name];
    ASSERT_TRUE(described.is_object()) << section.name;
    if (section.components != nullptr) continue;
    for (const Key& key : section.keys) {
      EXPECT_EQ(described["properties"][key.name]["description"], key.sentence);
    }
    EXPECT_EQ(described["additionalProperties"], false);
  }
  const nlohmann::json& run = schema["properties"]["run"];
  EXPECT_EQ(run["oneOf"].dump(), R"([{"required":["epochs"]},{"required":["steps"]}])");
  EXPECT_EQ(
      run["properties"]["seed"].dump(),
      R"({"default":0,"description":"Seed of all random numbers: initial weights, data order, )"
      R"(augmentation, dropout.","minimum":0.0,"type":"integer"})");
  const nlohmann::json& linear = schema["properties"]["layer"]["items"]["oneOf"][0];
  EXPECT_EQ(linear["properties"]["type"]["const"], "linear");
  EXPECT_EQ(linear["required"].dump(), R"(["type","out"])");
  const nlohmann::json& schedule = schema["properties"]["schedule"]["oneOf"];
  EXPECT_FALSE(schedule[0].contains("required"));
  EXPECT_EQ(schedule[1]["required"].dump(), R"(["type"])");
}

TEST(Starter, IsAGoodConfiguration) {
  const Config config = parse_text(starter());
  EXPECT_EQ(config.run.name, "digits-mlp");
  EXPECT_EQ(config.data.train, "datasets/digits.csv.gz");
  EXPECT_EQ(config.layers.size(), 3U);
}

}  // namespace
}  // namespace lockstep::config
