#include "cli/output.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "lockstep/base/error.hpp"
#include "lockstep/base/printable.hpp"

namespace lockstep::cli {
namespace {

/// A pipe that has room at all takes so much at once.
constexpr std::size_t kPiece = 4096;
constexpr int kForever = -1;

std::streambuf::int_type put(std::streambuf::int_type c, std::string& pending) {
  using Traits = std::streambuf::traits_type;
  if (!Traits::eq_int_type(c, Traits::eof())) pending += Traits::to_char_type(c);
  return Traits::not_eof(c);
}

OutputBuffer* buffer_of(const std::ostream& stream) {
  if (const auto* filter = dynamic_cast<PrintableBuffer*>(stream.rdbuf())) {
    return buffer_of(filter->sink());
  }
  return dynamic_cast<OutputBuffer*>(stream.rdbuf());
}

}  // namespace

OutputBuffer::int_type OutputBuffer::overflow(int_type c) { return put(c, pending_); }

std::streamsize OutputBuffer::xsputn(const char* text, std::streamsize count) {
  pending_.append(text, static_cast<std::size_t>(count));
  const bool full = pending_.size() >= kMostKept;
  return full && sync() != 0 ? 0 : count;
}

int OutputBuffer::sync() {
  if (kept_.empty()) {
    kept_.swap(pending_);
  } else {
    keep(pending_);
  }
  pending_.clear();
  return send_all() ? 0 : -1;
}

// A line that is redrawn in place is out of date by the time it is read.
void OutputBuffer::keep(std::string_view text) {
  if (text.starts_with('\r') && text.find('\n') == std::string_view::npos) return;
  if (kept_.size() + text.size() <= kMostKept) {
    kept_ += text;
  } else {
    left_out_ += static_cast<std::size_t>(std::ranges::count(text, '\n'));
  }
}

bool OutputBuffer::has_room(int milliseconds) const {
  pollfd output{.fd = descriptor_, .events = POLLOUT, .revents = 0};
  return ::poll(&output, 1, milliseconds) > 0;
}

// False if nothing can be written any more.
bool OutputBuffer::send_all() {
  std::string_view text = kept_;
  while (error_ == 0 && !text.empty() && (waits_ || has_room(0))) {
    const std::size_t most = waits_ ? text.size() : std::min(text.size(), kPiece);
    const ssize_t count = ::write(descriptor_, text.data(), most);
    if (count >= 0) {
      text.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno == EAGAIN) {  // somebody has made it so for all who share it
      if (waits_) static_cast<void>(has_room(kForever));
    } else if (errno != EINTR) {
      error_ = errno;
    }
  }
  if (error_ != 0) text = {};
  kept_.erase(0, kept_.size() - text.size());
  if (error_ == 0 && kept_.empty() && left_out_ > 0) {
    kept_ = fmt::format("trainer: warning: {} lines were not shown, for nobody read them\n",
                        std::exchange(left_out_, 0));
    return send_all();
  }
  return error_ == 0;
}

void OutputBuffer::finish() {
  sync();
  while (error_ == 0 && !kept_.empty()) {
    if (!has_room(kForever)) return;  // a signal: whoever waits here has had enough
    send_all();
  }
}

PrintableBuffer::~PrintableBuffer() {
  sink_ << printable_lines(pending_);
  sink_.flush();
}

PrintableBuffer::int_type PrintableBuffer::overflow(int_type c) { return put(c, pending_); }

std::streamsize PrintableBuffer::xsputn(const char* text, std::streamsize count) {
  pending_.append(text, static_cast<std::size_t>(count));
  return count;
}

int PrintableBuffer::sync() {
  const std::string_view whole = whole_characters(pending_);
  sink_ << printable_lines(whole) << std::flush;
  pending_.erase(0, whole.size());
  return sink_ ? 0 : -1;
}

void never_wait(std::ostream& stream) {
  if (OutputBuffer* buffer = buffer_of(stream)) buffer->never_wait();
}

bool is_behind(const std::ostream& stream) {
  const OutputBuffer* buffer = buffer_of(stream);
  return buffer != nullptr && buffer->is_behind();
}

int failure_of(const std::ostream& stream) {
  const OutputBuffer* buffer = buffer_of(stream);
  return buffer == nullptr ? 0 : buffer->error();
}

void require_written(std::ostream& stream) {
  if (stream.flush() || failure_of(stream) == EPIPE) return;
  const int reason = failure_of(stream) == 0 ? EIO : failure_of(stream);
  throw Error(ExitCode::io, fmt::format("standard output cannot be written: {}",
                                        std::generic_category().message(reason)));
}

void write_or_leave(std::ostream& stream, std::string_view text) {
  stream << text;
  require_written(stream);
  if (!stream) throw Error(ExitCode::ok, "");
}

}  // namespace lockstep::cli
