#!/usr/bin/env python3
"""report_test.py WRITER CASE PICTURE: opens a page in headless Chromium and looks at what it says
and shows. Leaves the screenshot in PICTURE. Exit code 77: there is no Chromium."""
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

MIN_COLOURS = 50


def screenshot(browser, page, picture, dark=False):
    """Returns what the page wrote to the console."""
    with tempfile.TemporaryDirectory() as profile:
        options = ["--blink-settings=preferredColorScheme=0"] if dark else []
        done = subprocess.run(
            [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--disable-background-networking", "--no-first-run", "--hide-scrollbars",
             "--enable-logging=stderr", "--v=0", f"--user-data-dir={profile}",
             "--window-size=1280,2600", f"--screenshot={picture}", *options, page.as_uri()],
            capture_output=True, text=True, timeout=100, check=False)
    if not picture.exists():
        sys.exit(f"no screenshot was made: {done.stderr[-2000:]}")
    return [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def unfilter(raw, stride, height, pixel):
    """Undoes the filters of a PNG's rows (PNG specification, section 9)."""
    rows, before = [], bytearray(stride)
    for y in range(height):
        start = y * (stride + 1)
        kind, row = raw[start], bytearray(raw[start + 1:start + 1 + stride])
        for i in range(stride):
            left = row[i - pixel] if i >= pixel else 0
            up = before[i]
            corner = before[i - pixel] if i >= pixel else 0
            if kind == 1:
                row[i] = (row[i] + left) & 255
            elif kind == 2:
                row[i] = (row[i] + up) & 255
            elif kind == 3:
                row[i] = (row[i] + (left + up) // 2) & 255
            elif kind == 4:
                guess = left + up - corner
                near = min((abs(guess - left), 0, left), (abs(guess - up), 1, up),
                           (abs(guess - corner), 2, corner))
                row[i] = (row[i] + near[2]) & 255
        rows.append(row)
        before = row
    return rows


def colours(picture):
    """Returns how many colours a PNG of 8 bits a channel has."""
    data = picture.read_bytes()
    position, header, packed = 8, None, b""
    while position < len(data):
        size, kind = struct.unpack(">I4s", data[position:position + 8])
        body = data[position + 8:position + 8 + size]
        header = struct.unpack(">IIBB", body[:10]) if kind == b"IHDR" else header
        packed += body if kind == b"IDAT" else b""
        position += size + 12
    width, height, depth, colour_type = header
    pixel = {2: 3, 6: 4}[colour_type]
    assert depth == 8
    rows = unfilter(zlib.decompress(packed), width * pixel, height, pixel)
    return len({bytes(row[i:i + 3]) for row in rows for i in range(0, len(row), pixel)})


def main():
    writer, case, picture = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    browser = shutil.which("chromium")
    if browser is None:
        print("there is no chromium")
        sys.exit(77)
    picture.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        page = pathlib.Path(folder) / "page.html"
        if case == "report_is_clean_and_not_blank":
            subprocess.run([writer, page], check=True)
            said = screenshot(browser, page, picture)
            assert not said, said
            assert colours(picture) >= MIN_COLOURS, colours(picture)
            dark = picture.with_suffix(".dark.png")
            assert not screenshot(browser, page, dark, dark=True)
        elif case == "console_error_is_found":
            subprocess.run([writer, page], check=True)
            page.write_text(page.read_text().replace("<main>", "<main><script>alert(1)</script>"))
            assert screenshot(browser, page, picture), "a blocked script was not noticed"
        else:
            page.write_text("<!DOCTYPE html><title>nothing</title>")
            screenshot(browser, page, picture)
            assert colours(picture) < MIN_COLOURS


main()
