#include "lockstep/comm/agreement.hpp"

#include <algorithm>
#include <optional>

#include "lockstep/base/current_error.hpp"
#include "lockstep/base/printable.hpp"
#include "lockstep/comm/environment.hpp"

namespace lockstep {
namespace {

std::optional<Error> attempt(const std::function<void()>& work) {
  try {
    work();
    return std::nullopt;
  } catch (...) {
    return current_error();
  }
}

// Every rank throws the error of the lowest rank that has one; returns if none has.
void agree(const Communicator& communicator, const std::optional<Error>& mine) {
  const int nobody = communicator.size();
  const int first = communicator.minimum(mine ? communicator.rank() : nobody);
  if (first == nobody) return;

  int code = mine ? static_cast<int>(mine->code()) : 0;
  std::uint64_t length = mine ? std::string_view(mine->what()).size() : 0;
  communicator.broadcast(std::as_writable_bytes(std::span(&code, 1)), first);
  communicator.broadcast(std::as_writable_bytes(std::span(&length, 1)), first);
  std::string text = communicator.rank() == first ? mine->what() : std::string(length, ' ');
  communicator.broadcast(std::as_writable_bytes(std::span(text)), first);
  throw AgreedError(static_cast<ExitCode>(code), text);
}

std::string text_of(const Facts& facts) {
  std::string text;
  for (const auto& [key, value] : facts) (((text += key) += '\0') += value) += '\0';
  return text;
}

Facts facts_in(std::string_view text) {
  const auto next = [&text] {
    const std::string_view word = text.substr(0, text.find('\0'));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    return std::string(word);
  };
  Facts facts;
  while (!text.empty()) {
    const std::string key = next();
    facts[key] = next();
  }
  return facts;
}

std::string shown(const Facts& facts, const std::string& key) {
  constexpr std::size_t kLongest = 80;
  const auto found = facts.find(key);
  if (found == facts.end()) return "not given";
  const std::string_view value = found->second;
  if (value.size() <= kLongest) return printable(value);
  return printable(whole_characters(value.substr(0, kLongest))) + "...";
}

/// A line for each fact that differs.
std::string differences(const Facts& theirs, const Facts& ours, int rank) {
  constexpr int kMost = 10;
  Facts all = theirs;
  all.insert(ours.begin(), ours.end());
  std::string lines;
  int count = 0;
  for (const auto& entry : all) {
    const std::string& key = entry.first;
    const auto found = theirs.find(key);
    const auto own = ours.find(key);
    const bool same = found != theirs.end() && own != ours.end() && found->second == own->second;
    if (same || ++count > kMost) continue;
    lines += "\n  " + key + ": " + shown(theirs, key) + " on rank 0, " + shown(ours, key) +
             " on rank " + std::to_string(rank);
  }
  if (count > kMost) lines += "\n  and " + std::to_string(count - kMost) + " more";
  return lines;
}

}  // namespace

void require_same(const Communicator& communicator, const Facts& facts) {
  const Facts theirs = facts_in(broadcast_text(communicator, text_of(facts)));
  const std::string host = broadcast_text(communicator, node_name());
  fail_together(communicator, [&] {
    if (theirs == facts) return;
    throw Error(ExitCode::config, "rank " + std::to_string(communicator.rank()) + " on " +
                                      node_name() + " was told something else than rank 0 on " +
                                      host + differences(theirs, facts, communicator.rank()) +
                                      "\n  give all ranks the same program, command line and "
                                      "configuration; only --threads may differ");
  });
}

void fail_together(const Communicator& communicator, const std::function<void()>& work) {
  agree(communicator, attempt(work));
}

void run_on_root(const Communicator& communicator, const std::function<void()>& work) {
  agree(communicator, communicator.rank() == 0 ? attempt(work) : std::nullopt);
}

std::string broadcast_text(const Communicator& communicator, std::string text, int root) {
  std::uint64_t length = text.size();
  communicator.broadcast(std::as_writable_bytes(std::span(&length, 1)), root);
  text.resize(length);
  communicator.broadcast(std::as_writable_bytes(std::span(text)), root);
  return text;
}

}  // namespace lockstep
