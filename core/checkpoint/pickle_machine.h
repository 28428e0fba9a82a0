#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "core/checkpoint/pickle.h"
#include "core/format/byte_reader.h"

namespace distill::core {

/// The stack machine of Python's pickle format (see Python's pickletools.py for each opcode).
/// Owned by one thread. Refers to the bytes and the arena given to it.
class PickleMachine {
 public:
  PickleMachine(std::string_view bytes, PickleArena& arena) : reader_(bytes), arena_(arena) {}

  /// Runs up to the STOP opcode and returns the value it leaves.
  Result<PickleRef> Run();

  size_t position() const { return reader_.position(); }

 private:
  using Handler = Status (PickleMachine::*)();
  struct Opcode {
    uint8_t code;
    Handler handler;
  };
  static Handler FindHandler(uint8_t code);

  template <typename Content>
  Status Push(Content content);
  Status PushRef(PickleValue* value);
  Status Pop(PickleValue*& out);
  /// Takes what lies above the last mark, and the mark.
  Status PopToMark(std::vector<PickleValue*>& out);

  // One function for each opcode or family of opcodes.
  Status SkipProtocol();
  Status SkipFrame();
  Status PutMark();
  Status DropTop();
  Status DropToMark();
  Status DuplicateTop();
  Status PushNone();
  Status PushTrue();
  Status PushFalse();
  Status PushInt32();
  Status PushUint16();
  Status PushUint8();
  Status PushLong1();
  Status PushLong4();
  Status PushDouble();
  template <typename Length>
  Status PushText();
  Status PushEmptyDict();
  Status PushEmptySequence();
  Status PushTupleToMark();
  Status PushDictToMark();
  template <int kCount>
  Status PushTuple();
  Status AppendOne();
  Status AppendToMark();
  Status SetOneItem();
  Status SetItemsToMark();
  template <typename Index>
  Status GetMemo();
  template <typename Index>
  Status PutMemo();
  Status MemoizeTop();
  Status PushGlobal();
  Status PushStackGlobal();
  Status CallFunction();
  Status MakeObject();
  Status SetState();
  Status PushPersistent();

  Status PushLong(uint64_t num_bytes);
  Status PushNamed(std::string_view module, std::string_view name);
  Status AddItems(PickleValue& dict, const std::vector<PickleValue*>& keys_and_values);
  Status Spend(size_t count);

  ByteReader reader_;
  PickleArena& arena_;
  std::vector<PickleValue*> stack_;
  std::vector<size_t> marks_;
  std::unordered_map<uint32_t, PickleValue*> memo_;
  size_t spent_ = 0;
};

}  // namespace distill::core
