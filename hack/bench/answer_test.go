package main

import (
	"strings"
	"testing"
	"testing/iotest"
)

func TestAnswerReader(t *testing.T) {
	for name, test := range map[string]struct {
		text   string
		status int // 0: an error
	}{
		"body with its length":       {"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nbody", 200},
		"letter case of the length":  {"HTTP/1.1 200 OK\r\ncontent-length:4\r\n\r\nbody", 200},
		"empty body":                 {"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", 503},
		"no content":                 {"HTTP/1.1 204 No Content\r\nDate: now\r\n\r\n", 204},
		"no fields":                  {"HTTP/1.1 204 No Content\r\n\r\n", 204},
		"body cut short":             {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nbody", 0},
		"more than the body":         {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbody", 0},
		"content after 204":          {"HTTP/1.1 204 No Content\r\n\r\nbody", 0},
		"head cut short":             {"HTTP/1.1 200 OK\r\nContent-Le", 0},
		"no length":                  {"HTTP/1.1 200 OK\r\n\r\n", 0},
		"length that is no number":   {"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", 0},
		"length below zero":          {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", 0},
		"length that overflows":      {"HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\n", 0},
		"length beyond the bound":    {"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("x", 100000), 0},
		"transfer coding":            {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0},
		"another version":            {"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", 0},
		"status that is no number":   {"HTTP/1.1 abc\r\nContent-Length: 0\r\n\r\n", 0},
		"nothing":                    {"", 0},
		"head that goes on too long": {"HTTP/1.1 200 OK\r\n" + strings.Repeat("X-Long: 1\r\n", 1000), 0},
	} {
		t.Run(name, func(t *testing.T) {
			whole := answerReader{from: strings.NewReader(test.text)}
			inBits := answerReader{from: iotest.OneByteReader(strings.NewReader(test.text))}
			status, err := whole.read()
			if status != test.status || (err == nil) != (test.status != 0) {
				t.Errorf("got %d and %v, want %d", status, err, test.status)
			}
			// What comes after an answer is not looked for.
			if test.status == 0 {
				return
			}
			if status, err := inBits.read(); status != test.status || err != nil {
				t.Errorf("byte by byte: got %d and %v, want %d", status, err, test.status)
			}
		})
	}
}

func FuzzAnswerReader(f *testing.F) {
	f.Add("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody")
	f.Add("HTTP/1.1 204 No Content\r\n\r\n")
	f.Add("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		whole := answerReader{from: strings.NewReader(text)}
		status, err := whole.read()
		if (err == nil) != (status != 0) && !strings.HasPrefix(text, "HTTP/1.1 000") {
			t.Errorf("got %d and %v", status, err)
		}
	})
}
