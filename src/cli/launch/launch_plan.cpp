#include "cli/launch/launch_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <sstream>
#include <string_view>
#include <system_error>
#include <utility>

#include "cli/counts.hpp"
#include "cli/launch/mpirun.hpp"
#include "cli/text.hpp"
#include "lockstep/base/error.hpp"
#include "lockstep/io/file.hpp"

namespace lockstep::cli {
namespace {

/// Bytes; some ten thousand lines.
constexpr Index kLargestHostFile = Index{1} << 20;

std::string count_text(int count, std::string_view noun) {
  return plural(static_cast<std::uint64_t>(count), noun);
}

int slots_from(const std::string& text, const std::string& where) {
  int slots = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), slots);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (whole && slots >= 1 && slots <= kMaxCount) return slots;
  throw Error(ExitCode::usage, fmt::format("{}: '{}' is no number of slots from 1", where, text));
}

/// Cores that can be bound to, or processors where nothing can.
int processors_of(const LaunchRequest& request) {
  return std::max(
      1, request.processors.bindable > 0 ? request.processors.bindable : request.processors.usable);
}

int slots_of(const LaunchRequest& request, const Host& host) {
  return host.slots > 0 ? host.slots
                        : std::max(1, processors_of(request) / std::max(1, request.threads));
}

/// The most ranks that one machine gets.
int most_on_one(const LaunchRequest& request, int ranks) {
  if (request.hosts.empty()) return ranks;
  int most = 0;
  for (const Host& host : request.hosts) most = std::max(most, slots_of(request, host));
  // Those beyond all slots are spread evenly.
  const int slots = slots_of(request);
  return ranks <= slots ? std::min(most, ranks) : (most * ranks + slots - 1) / slots;
}

std::string places_text(const LaunchRequest& request) {
  std::string text =
      count_text(processors_of(request), request.processors.bindable > 0 ? "core" : "processor");
  if (!request.hosts.empty()) {
    text = fmt::format("{} of, as here, {}",
                       count_text(static_cast<int>(request.hosts.size()), "host"), text);
  }
  return text;
}

/// A machine that was cut off sends nothing, not even the end of its connections: mpirun asks it
/// after 4 s of silence, every 2 s, and gives it up after 3 questions, 10 s in all. By default it
/// would ask after 300 s.
constexpr std::array<std::pair<const char*, const char*>, 3> kKeepalive = {
    {{"oob_tcp_keepalive_time", "4"},
     {"oob_tcp_keepalive_intvl", "2"},
     {"oob_tcp_keepalive_probes", "3"}}};

}  // namespace

std::vector<Host> hosts_of(const std::string& list) {
  std::vector<Host> hosts;
  std::istringstream words(list);
  for (std::string word; std::getline(words, word, ',');) {
    const std::size_t colon = word.find(':');
    const std::string name = word.substr(0, colon);
    if (name.empty()) {
      throw Error(ExitCode::usage,
                  fmt::format("--hosts: '{}' is no list of hosts; example: n1:2,n2:2", list));
    }
    hosts.push_back({name, colon == std::string::npos
                               ? 0
                               : slots_from(word.substr(colon + 1), "--hosts " + name)});
  }
  return hosts;
}

std::vector<Host> hosts_in(const std::filesystem::path& path) {
  const std::vector<std::byte> bytes = read_file(path, kLargestHostFile);
  std::istringstream file(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  std::vector<Host> hosts;
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    std::istringstream words(line.substr(0, line.find('#')));
    Host host;
    if (!(words >> host.name)) continue;
    for (std::string word; words >> word;) {
      constexpr std::string_view kSlots = "slots=";
      if (word.starts_with(kSlots)) {
        host.slots =
            slots_from(word.substr(kSlots.size()), fmt::format("{}:{}", path.string(), number));
      }
    }
    hosts.push_back(host);
  }
  if (hosts.empty()) {
    throw Error(ExitCode::usage, fmt::format("--hostfile: {} names no host", path.string()));
  }
  return hosts;
}

int slots_of(const LaunchRequest& request) {
  if (request.hosts.empty()) return slots_of(request, Host{});
  int slots = 0;
  for (const Host& host : request.hosts) slots += slots_of(request, host);
  return slots;
}

Placement place(const LaunchRequest& request) {
  Placement placement;
  const int processors = processors_of(request);
  placement.ranks = request.ranks > 0
                        ? request.ranks
                        : std::min(slots_of(request), static_cast<int>(request.most_ranks));
  const int on_one = most_on_one(request, placement.ranks);
  placement.threads = request.threads > 0 ? request.threads : std::max(1, processors / on_one);
  const int wanted = on_one * placement.threads;
  const bool fills = processors - wanted < placement.threads;
  const bool has_slots = request.hosts.empty() || placement.ranks <= slots_of(request);
  placement.bound = request.processors.bindable >= wanted && fills && has_slots;
  std::string why;
  if (placement.bound) {
    why = "each thread on a core of its own";
  } else if (wanted > processors) {
    why = fmt::format("oversubscribed {:.3g}x, not bound",
                      static_cast<double>(wanted) / static_cast<double>(processors));
  } else if (!fills) {
    why = "not bound: the others are left to other jobs";
  } else if (!has_slots) {
    why = "more ranks than slots, not bound";
  } else {
    why = "not bound: only a part of the machine is ours";
  }
  placement.reason =
      fmt::format("{} x {} on {}, {}", count_text(placement.ranks, "rank"),
                  count_text(placement.threads, "thread"), places_text(request), why);
  return placement;
}

Placement place_in_slurm(const LaunchRequest& request, int tasks, int cpus) {
  Placement placement{.ranks = request.ranks > 0 ? request.ranks : std::max(1, tasks),
                      .threads = request.threads > 0 ? request.threads : std::max(1, cpus),
                      .bound = true};
  placement.reason = fmt::format(
      "{} x {} in this job of Slurm, bound by srun; srun, because it "
      "hands USR1 on and knows the nodes",
      count_text(placement.ranks, "rank"), count_text(placement.threads, "thread"));
  return placement;
}

std::vector<std::string> mpirun_words(const std::string& mpirun, const Placement& placement,
                                      const LaunchRequest& request) {
  std::vector<std::string> words = {mpirun, "-q", "-np", std::to_string(placement.ranks)};
  if (!request.hosts.empty()) {
    std::string list;
    for (const Host& host : request.hosts) {
      list += fmt::format("{}{}:{}", list.empty() ? "" : ",", host.name, slots_of(request, host));
    }
    words.insert(words.end(), {"--host", list});
  }
  const std::vector<std::string> binding = binding_words(placement.threads, placement.bound);
  words.insert(words.end(), binding.begin(), binding.end());
  // A rank that died ends the others at once instead of after two seconds; nobody but this launcher
  // tells mpirun to end, and it does so by USR1.
  words.insert(words.end(), {"--mca", "odls_base_sigkill_timeout", "0"});
  if (request.hosts.empty()) return words;
  for (const auto& [name, seconds] : kKeepalive) {
    if (std::getenv(fmt::format("OMPI_MCA_{}", name).c_str()) != nullptr) continue;
    words.insert(words.end(), {"--mca", name, seconds});
  }
  return words;
}

std::vector<std::string> srun_words(const std::string& srun, const Placement& placement) {
  // Without PMIx each rank of Open MPI believes to be alone; --cpus-per-task is not taken over from
  // the job; a rank that died ends the others.
  return {srun,
          "--mpi=pmix",
          "--kill-on-bad-exit=1",
          fmt::format("--ntasks={}", placement.ranks),
          fmt::format("--cpus-per-task={}", placement.threads),
          "--cpu-bind=cores"};
}

int ranks_that_fit(int ranks, int slots_before, int slots_now) {
  if (slots_now >= slots_before) return ranks;
  const int as_dense = ranks * slots_now / std::max(1, slots_before);
  return std::max(1, std::min(ranks, std::max(slots_now, as_dense)));
}

}  // namespace lockstep::cli
