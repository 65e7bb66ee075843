#include "lockstep/comm/agreement.hpp"

#include <exception>
#include <new>
#include <optional>

namespace lockstep {
namespace {

std::optional<Error> attempt(const std::function<void()>& work) {
  try {
    work();
    return std::nullopt;
  } catch (const Error& error) {
    return error;
  } catch (const std::bad_alloc&) {
    return Error(ExitCode::system,
                 "not enough memory (try fewer ranks per node or a smaller batch)");
  } catch (const std::exception& error) {
    return Error(ExitCode::internal, error.what());
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

}  // namespace

void together(const Communicator& communicator, const std::function<void()>& work) {
  agree(communicator, attempt(work));
}

void on_root(const Communicator& communicator, const std::function<void()>& work) {
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
