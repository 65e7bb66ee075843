#pragma once

#include <type_traits>
#include <variant>

#include "lockstep/config/config.hpp"
#include "lockstep/config/schema.hpp"

namespace lockstep::config {

/// Points a key of a fixed section at its field: field<&Config::run, &Run::seed>.
template <auto Part, auto Member>
Field field(Config& config) {
  return &((config.*Part).*Member);
}

template <typename T>
inline constexpr bool kIsOptional = false;
template <typename T>
inline constexpr bool kIsOptional<std::optional<T>> = true;

/// Writes a value that was checked against the key into the key's field; an absent one leaves it as
/// it is.
inline void store(const Field& target, const Value& value) {
  if (std::holds_alternative<std::monostate>(value)) return;
  std::visit(
      [&value](auto* place) {
        using T = std::remove_pointer_t<decltype(place)>;
        if constexpr (std::is_same_v<T, Column>) {
          const Index* number = std::get_if<Index>(&value);
          *place = number != nullptr ? Column(*number) : Column(std::get<std::string>(value));
        } else if constexpr (kIsOptional<T>) {
          *place = std::get<typename T::value_type>(value);
        } else {
          *place = std::get<T>(value);
        }
      },
      target);
}

/// Reads a field back; monostate for what was not given.
inline Value load(const Field& source) {
  return std::visit(
      [](const auto* place) -> Value {
        using T = std::remove_cv_t<std::remove_pointer_t<decltype(place)>>;
        if constexpr (std::is_same_v<T, Column>) {
          return *place == Column("")
                     ? Value()
                     : std::visit([](const auto& column) { return Value(column); }, *place);
        } else if constexpr (kIsOptional<T>) {
          return place->has_value() ? Value(**place) : Value();
        } else if constexpr (std::is_same_v<T, std::vector<double>>) {
          return place->empty() ? Value() : Value(*place);
        } else {
          return *place;
        }
      },
      source);
}

}  // namespace lockstep::config
