#pragma once
// Keys of the screens, independent of any terminal.
#include <cstdint>
#include <string>

namespace troupe::apps::screens {

struct Key {
  enum class What : std::uint8_t {
    character,  ///< `text`: one character in UTF-8
    enter,
    escape,
    tab,
    backspace,
    up,
    down,
    left,
    right,
    page_up,
    page_down,
    home,
    end,
    erase_line,  ///< Ctrl-U
    erase_word,  ///< Ctrl-W
    click,       ///< `row` of the screen
  };
  What what = What::character;
  std::string text{};
  int row = 0;
  bool operator==(const Key&) const = default;
};

}  // namespace troupe::apps::screens
