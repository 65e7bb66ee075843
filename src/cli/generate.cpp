#include <fmt/format.h>

#include <ostream>

#include "cli/checkpoint_option.hpp"
#include "cli/command.hpp"
#include "cli/mpi_program.hpp"
#include "cli/output.hpp"
#include "cli/text.hpp"
#include "lockstep/infer/generation.hpp"

namespace lockstep::cli {
namespace {

class Generate : public Command {
 public:
  [[nodiscard]] std::string_view name() const override { return "generate"; }
  [[nodiscard]] std::string_view summary() const override {
    return "Generate text with a network that was trained on text";
  }
  [[nodiscard]] std::string_view example() const override {
    return "trainer train scripts/configs/configs-gru.toml && "
           "trainer generate runs/configs-gru/checkpoints/best.h5 --prompt '[optimizer]'";
  }

  void add_options(CLI::App& app) override {
    add_checkpoint(app, request_.checkpoint);
    app.add_option("--prompt", request_.prompt, "Prompt: text to continue (default: a line break)")
        ->type_name("TEXT");
    app.add_option("--length", request_.length, "Number of symbols to generate (default: 200)")
        ->type_name("N");
    app.add_option("--temperature", request_.sampling.temperature,
                   "Sampling temperature: logits are divided by it; 0 always takes the most likely "
                   "symbol (default: 1)")
        ->type_name("T");
    app.add_option("--top-k", request_.sampling.top_k,
                   "Sample from the K most likely symbols only (default: 0, from all)")
        ->type_name("K");
    app.add_option("--top-p", request_.sampling.top_p,
                   "Nucleus sampling: sample from the smallest set of most likely symbols with "
                   "total probability P (default: 1, from all)")
        ->type_name("P");
    app.add_option("--seed", seed_,
                   "Seed of the sampling; the same seed gives the same text (default: 0)")
        ->type_name("N");
  }

  ExitCode run(const Session& session) override {
    const Sampling& sampling = request_.sampling;
    require(request_.length >= 1, "length", "a number of symbols of at least 1", request_.length);
    require(sampling.temperature >= 0, "temperature", "a number of at least 0",
            sampling.temperature);
    require(sampling.top_k >= 0, "top-k", "a number of symbols of at least 0", sampling.top_k);
    require(sampling.top_p > 0 && sampling.top_p <= 1, "top-p", "a probability above 0, at most 1",
            sampling.top_p);
    require(seed_ >= 0, "seed", "a number of at least 0", seed_);
    request_.seed = static_cast<std::uint64_t>(seed_);
    return run_on_ranks(
        session.told,
        [&](const Communicator& world) {
          const Generation done = generate_text(
              world, request_, [&](std::string_view text) { write_or_leave(session.data, text); });
          if (world.rank() == 0) {
            session.data << std::endl;
            tell_checkpoint(request_.checkpoint, done.checkpoint, session.err);
            tell_notes(done.notes, session.err);
            session.err << fmt::format(
                "{} after a prompt of {}, {} symbols/s, seed {}\n",
                plural(static_cast<std::uint64_t>(done.symbols), "symbol"), done.prompt_symbols,
                thousands(static_cast<Index>(static_cast<double>(done.symbols) / done.seconds)),
                request_.seed);
          }
          return ExitCode::ok;
        },
        session.err);
  }

 private:
  template <typename Number>
  static void require(bool holds, std::string_view option, std::string_view expected,
                      Number found) {
    if (holds) return;
    throw Error(ExitCode::usage, fmt::format("--{}: expected {}, found {}\n"
                                             "  see: trainer generate --help",
                                             option, expected, found));
  }

  Index seed_ = 0;
  GenerationRequest request_;
};

}  // namespace

std::unique_ptr<Command> generate_command() { return std::make_unique<Generate>(); }

}  // namespace lockstep::cli
