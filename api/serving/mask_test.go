package serving_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/d1gateway/d1gateway/api/serving"
)

// card passes the Luhn check; it is a test number that no issuer gives out.
const card = "4111111111111111"

func TestMaskCardNumbers(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"a card number":                      {card, "************1111"},
		"inside other text":                  {"tok_" + card + "_x", "tok_************1111_x"},
		"between letters":                    {"a" + card + "b", "a************1111b"},
		"twice":                              {card + " " + card, "************1111 ************1111"},
		"13 digits":                          {"4222222222222", "*********2222"},
		"19 digits":                          {"6304000000000000000", "***************0000"},
		"the check digit is wrong":           {"4111111111111112", "4111111111111112"},
		"12 digits that pass":                {"411111111116", "411111111116"},
		"20 digits that pass":                {"00004111111111111111", "00004111111111111111"},
		"a merchant id":                      {"40010000001", "40010000001"},
		"other digits than ASCII ones":       {"４１１１１１１１１１１１１１１１", "４１１１１１１１１１１１１１１１"},
		"nothing":                            {"", ""},
		"a card after a number that is none": {"4111111111111112-" + card, "4111111111111112-************1111"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := serving.MaskCardNumbers(c.in); got != c.want {
				t.Errorf("MaskCardNumbers(%q) = %q, want %q", c.in, got, c.want)
			}
		})
	}
}

func FuzzMaskCardNumbers(f *testing.F) {
	for _, s := range []string{"", card, "x" + card, "4111111111111112", "1234567890123456789012", "4222222222222 6304000000000000000"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		masked := serving.MaskCardNumbers(s)
		if len(masked) != len(s) {
			t.Errorf("%q became %q", s, masked)
		}
		if again := serving.MaskCardNumbers(masked); again != masked {
			t.Errorf("%q still holds something to mask: %q", masked, again)
		}
		for i := range len(s) {
			if masked[i] != s[i] && (masked[i] != '*' || s[i] < '0' || s[i] > '9') {
				t.Errorf("%q became %q", s, masked)
			}
		}
	})
}

type valuer struct{}

func (valuer) LogValue() slog.Value { return slog.StringValue(card) }

func TestMaskingHandlerMasksEveryPlaceOfARecord(t *testing.T) {
	record := func(write func(*slog.Logger)) string {
		var out bytes.Buffer
		write(slog.New(serving.MaskingHandler(slog.NewJSONHandler(&out, nil))))
		return out.String()
	}
	for name, write := range map[string]func(*slog.Logger){
		"the message":      func(l *slog.Logger) { l.Info("a " + card) },
		"a string":         func(l *slog.Logger) { l.Info("m", "k", card) },
		"a number":         func(l *slog.Logger) { l.Info("m", "k", 4111111111111111) },
		"an error":         func(l *slog.Logger) { l.Info("m", "k", errors.New("for "+card)) },
		"a struct":         func(l *slog.Logger) { l.Info("m", "k", struct{ Token string }{card}) },
		"a list":           func(l *slog.Logger) { l.Info("m", "k", []string{card}) },
		"a LogValuer":      func(l *slog.Logger) { l.Info("m", "k", valuer{}) },
		"a group":          func(l *slog.Logger) { l.Info("m", slog.Group("g", slog.Group("h", "k", card))) },
		"a logger's own":   func(l *slog.Logger) { l.With("k", card).Info("m") },
		"inside WithGroup": func(l *slog.Logger) { l.WithGroup("g").With("k", card).Info("m", "j", card) },
	} {
		t.Run(name, func(t *testing.T) {
			got := record(write)
			if strings.Contains(got, card) || !strings.Contains(got, "************1111") {
				t.Errorf("logged %s", got)
			}
		})
	}
	if got := record(func(l *slog.Logger) { l.Info("m", "n", 12, "b", true, "s", "x") }); !strings.Contains(got, `"n":12,"b":true,"s":"x"`) {
		t.Errorf("values without anything to mask changed: %s", got)
	}
	handler := serving.MaskingHandler(slog.NewJSONHandler(new(bytes.Buffer), &slog.HandlerOptions{Level: slog.LevelWarn}))
	if handler.Enabled(context.Background(), slog.LevelInfo) || !handler.Enabled(context.Background(), slog.LevelWarn) {
		t.Error("the level of the next handler is not kept")
	}
}
