#!/usr/bin/env python3
"""Writes the seeds of the core's fuzz targets into tests/fuzz/corpus: the pickles inside the files of
tests/oracle/checkpoint/fixtures (which `pytorch_file` takes as they are), and files written by hand
that break a rule each. What a fuzzer found is kept beside them under names of its own.
Needs nothing but Python. Run:  python3 make_core_seeds.py"""
import json
import pathlib
import struct
import zipfile

FOLDER = pathlib.Path(__file__).resolve().parent / 'corpus'
FIXTURES = FOLDER.parent.parent / 'oracle/checkpoint/fixtures'


def write(target, name, data):
    folder = FOLDER / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def pickles():
    for name in ('belongings', 'complex', 'dtypes', 'layouts', 'malicious', 'options', 'protocol4',
                 'quantised', 'sparse', 'whole_module', 'wrapped'):
        with zipfile.ZipFile(FIXTURES / f'{name}.zip.pth') as archive:
            entry = next(e for e in archive.namelist() if e.endswith('/data.pkl'))
            write('pickle', name, archive.read(entry))
    start = b'\x80\x02'
    storage = b'(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuK\x0ctQ'
    tensor = b'ctorch._utils\n_rebuild_tensor_v2\n(' + storage
    huge = b'\x8a\x08' + b'\xff' * 7 + b'\x7f'
    for name, opcodes in {
            'contains-itself': b'}q\x00U\x05modelh\x00s.',
            'deep': b'N' + b'\x85' * 2000 + b'.',
            'negative-stride': b'}U\x01w' + tensor + b'K\x01K\x02\x85J\xff\xff\xff\xff\x85\x89NtRs.',
            'offset-overflows': b'}U\x01w' + tensor + huge + b'K\x02\x85K\x01\x85\x89NtRs.',
            'size-overflows': b'}U\x01w' + tensor + b'K\x01' + huge + b'\x85' + huge + b'\x85\x89NtRs.',
            'in-its-own-options': b'cargparse\nNamespace\n)\x81q\x00}U\x01wh\x00sb.',
            'calls-system': b'cargparse\nNamespace\n)\x81}U\x01wcos\nsystem\nU\x02ls\x85Rsb.',
            'copies': b'}(' + b'NN' * 300 + b'uq\x010(' +
                      b'ccollections\nOrderedDict\nh\x01\x85R' * 40 + b't.',
            'long-of-many-bytes': b'\x8b' + struct.pack('<I', 1 << 30) + b'\x01.',
            'stack-runs-empty': b'(\x85.'}.items():
        write('pickle', name, start + opcodes)


def pytorch_files():
    """Whole files are the fixtures themselves."""
    whole = (FIXTURES / 'dtypes.zip.pth').read_bytes()
    write('pytorch_file', 'cut', whole[:len(whole) * 3 // 4])
    end = whole.rindex(b'PK\x05\x06')
    write('pytorch_file', 'directory-behind-the-end',
          whole[:end + 16] + struct.pack('<I', 0xFFFFFFF0) + whole[end + 20:])
    entry = whole.index(b'PK\x01\x02')
    write('pytorch_file', 'entry-of-four-gigabytes',
          whole[:entry + 20] + struct.pack('<II', 0xFFFFFFFE, 0xFFFFFFFE) + whole[entry + 28:])
    legacy = (FIXTURES / 'wrapped.legacy.pth').read_bytes()
    write('pytorch_file', 'legacy-cut', legacy[:-9])
    write('pytorch_file', 'legacy-twice', legacy + legacy)


def safetensors(entries, payload=b'', metadata=None, length=None):
    header = dict(entries)
    if metadata is not None:
        header['__metadata__'] = metadata
    text = json.dumps(header).encode()
    return struct.pack('<Q', len(text) if length is None else length) + text + payload


def tensor(dtype, shape, begin, end):
    return {'dtype': dtype, 'shape': shape, 'data_offsets': [begin, end]}


def safetensors_files():
    sizes = {'F64': 8, 'F32': 4, 'F16': 2, 'BF16': 2, 'I64': 8, 'I32': 4, 'I16': 2, 'I8': 1, 'U8': 1,
             'BOOL': 1}
    entries, offset = {}, 0
    for dtype, size in sizes.items():
        entries['layer.' + dtype.lower()] = tensor(dtype, [2, 3], offset, offset + 6 * size)
        offset += 6 * size
    payload = bytes(i * 7 % 251 for i in range(offset))
    two = {'a': tensor('F32', [2], 0, 8), 'b': tensor('F32', [2], 8, 16)}
    for name, data in {
            'dtypes': safetensors(entries, payload),
            'metadata': safetensors(two, payload[:16], {'format': 'pt', 'state': '{}'}),
            'empty': safetensors({}),
            'no-elements': safetensors({'a': tensor('F32', [0, 4], 0, 0)}),
            'scalar': safetensors({'a': tensor('I64', [], 0, 8)}, payload[:8]),
            'overlap': safetensors({**two, 'b': tensor('F32', [2], 4, 12)}, payload[:16]),
            'hole': safetensors({**two, 'b': tensor('F32', [2], 12, 20)}, payload[:20]),
            'backwards': safetensors({'a': tensor('F32', [2], 8, 0)}, payload[:8]),
            'behind-the-end': safetensors({'a': tensor('F32', [1 << 40], 0, 1 << 42)}, payload[:8]),
            'product-overflows': safetensors({'a': tensor('F32', [1 << 40, 1 << 40], 0, 8)},
                                             payload[:8]),
            'negative': safetensors({'a': tensor('F32', [-1, -2], 0, 8)}, payload[:8]),
            'other-dtype': safetensors({'a': tensor('F8_E4M3', [8], 0, 8)}, payload[:8]),
            'checksum': safetensors(two, payload[:16], {'payload_crc32c': '00000000'}),
            'long-header': safetensors(two, payload[:16], length=1 << 62),
            'twice': struct.pack('<Q', 112) +
                     b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},'
                     b'"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}'.ljust(112) + b'xy',
            'nested': struct.pack('<Q', 4000) + b'{"a":' + b'[' * 3995,
            'no-text': struct.pack('<Q', 8) + b'{"\xff":{}}'[:8]}.items():
        write('safetensors', name, data)


def training_checkpoints():
    state = {'groups': ['model', 'optimizer'], 'integers': {'epoch': 3, 'step': -1},
             'numbers': {'best': '0.75', 'scale': 'inf'}, 'texts': {'job': 'resnet8'}}
    entries = {'model/fc.weight': tensor('F32', [2], 0, 8),
               'optimizer/momentum.fc.weight': tensor('F32', [2], 8, 16)}

    def checkpoint(changes, version='1', tensors=None):
        text = json.dumps({**state, **changes})
        return safetensors(tensors or entries, bytes(16),
                           {'distill_training_checkpoint': version, 'state': text})
    for name, data in {
            'whole': checkpoint({}),
            'newer': checkpoint({}, '2'),
            'no-version': checkpoint({}, 'x'),
            'unknown-group': checkpoint({'groups': ['model']}),
            'no-group': checkpoint({}, tensors={'fc.weight': tensor('F32', [4], 0, 16)}),
            'groups-are-numbers': checkpoint({'groups': [1]}),
            'number-is-no-text': checkpoint({'numbers': {'best': 1}}),
            'number-of-words': checkpoint({'numbers': {'best': 'much'}}),
            'large-integer': checkpoint({'integers': {'epoch': 1 << 70}}),
            'no-state': safetensors(entries, bytes(16), {'distill_training_checkpoint': '1'}),
            'weights': safetensors(entries, bytes(16))}.items():
        write('training_checkpoint', name, data)


def cifar():
    pixels = bytes(i // 96 for i in range(3072))
    for name, data in {
            'ten': b'\x00bird\ncat\n\n\x00' + b'\x01' + pixels,
            'hundred': b'\x01apple\nbear\x00' + b'\x00\x01' + pixels,
            'label-without-a-name': b'\x01apple\x00' + b'\x00\x63' + pixels,
            'cut': b'\x00bird\ncat\x00' + b'\x01' + pixels[:-1],
            'no-records': b'\x00bird\ncat\x00',
            'no-names': b'\x01\r\n \n\x00' + b'\x00\x00' + pixels,
            'named-twice': b'\x00cat\ncat\x00' + b'\x01' + pixels,
            'path': b'\x00/data/test_batch.bin#00017\x00',
            'path-of-a-large-number': b'\x00train.bin#99999999999999999999\x00'}.items():
        write('cifar', name, data)


if __name__ == '__main__':
    pickles()
    pytorch_files()
    safetensors_files()
    training_checkpoints()
    cifar()
