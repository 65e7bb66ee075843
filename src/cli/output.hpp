#pragma once

#include <ostream>
#include <streambuf>
#include <string>
#include <string_view>

// Where the program writes what people and other programs read.

namespace lockstep::cli {

/// Writes to a descriptor when it is flushed, and remembers why it could not. Whoever reads may be
/// slow or gone: a reader that has left is no failure of ours, and with `never_wait` one that does
/// not read, such as a pager or a stopped terminal, holds nobody up.
class OutputBuffer : public std::streambuf {
 public:
  explicit OutputBuffer(int descriptor) : descriptor_(descriptor) {}
  OutputBuffer(const OutputBuffer&) = delete;
  OutputBuffer& operator=(const OutputBuffer&) = delete;
  ~OutputBuffer() override { sync(); }

  /// From now on what is not read is kept, up to `kMostKept` bytes; lines beyond are left out, and
  /// their number is told in their place.
  void never_wait() { waits_ = false; }
  /// Waits until all that was kept is read, or a signal comes.
  void finish();

  /// Whether something was kept that is not read yet.
  [[nodiscard]] bool is_behind() const { return !kept_.empty(); }

  /// The errno of the first write that failed; 0 if none did.
  [[nodiscard]] int error() const { return error_; }

  static constexpr std::size_t kMostKept = std::size_t{1} << 20;

 protected:
  int_type overflow(int_type c) override;
  std::streamsize xsputn(const char* text, std::streamsize count) override;
  int sync() override;

 private:
  [[nodiscard]] bool has_room(int milliseconds) const;
  bool send_all();
  void keep(std::string_view text);

  int descriptor_;
  bool waits_ = true;
  int error_ = 0;
  std::string pending_;  ///< not flushed yet
  std::string kept_;     ///< flushed, and not read yet
  std::size_t left_out_ = 0;
};

/// Hands on to another stream what a terminal may show: see `printable_lines`.
class PrintableBuffer : public std::streambuf {
 public:
  explicit PrintableBuffer(std::ostream& sink) : sink_(sink) {}
  PrintableBuffer(const PrintableBuffer&) = delete;
  PrintableBuffer& operator=(const PrintableBuffer&) = delete;
  ~PrintableBuffer() override;

  [[nodiscard]] const std::ostream& sink() const { return sink_; }

 protected:
  int_type overflow(int_type c) override;
  std::streamsize xsputn(const char* text, std::streamsize count) override;
  int sync() override;

 private:
  std::ostream& sink_;
  std::string pending_;
};

/// `OutputBuffer::never_wait`, if the stream has such a buffer.
void never_wait(std::ostream& stream);

/// `OutputBuffer::is_behind`, likewise.
[[nodiscard]] bool is_behind(const std::ostream& stream);

/// Why a stream of this program can no longer be written; 0 if it can, or if that is not known.
[[nodiscard]] int failure_of(const std::ostream& stream);

/// Flushes. Who has read enough has not harmed us.
/// Errors: io.
void require_written(std::ostream& stream);

/// Writes at once. If nobody reads any more, the command is over, without an error.
/// Errors: io.
void write_or_leave(std::ostream& stream, std::string_view text);

}  // namespace lockstep::cli
