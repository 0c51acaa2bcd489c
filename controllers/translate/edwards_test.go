package translate

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"testing"
)

func TestEveryEd25519KeyIsAPoint(t *testing.T) {
	for range 50 {
		key, _, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if !isEd25519Point([32]byte(key)) {
			t.Fatalf("%x is refused", key)
		}
	}
}

func TestWhatIsNoPublicKeyOfEd25519(t *testing.T) {
	for name, encoded := range map[string]string{
		"the neutral element":                        "0100000000000000000000000000000000000000000000000000000000000000",
		"the neutral element with the sign of x set": "0100000000000000000000000000000000000000000000000000000000000080",
		"order 2":                 "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"order 4":                 "0000000000000000000000000000000000000000000000000000000000000000",
		"order 4, the other x":    "0000000000000000000000000000000000000000000000000000000000000080",
		"order 8":                 "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"order 8, the other x":    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
		"order 8, another y":      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"y is p":                  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"y is p + 1":              "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"y is 2: x² is no square": "0200000000000000000000000000000000000000000000000000000000000000",
		"all ones":                "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	} {
		t.Run(name, func(t *testing.T) {
			raw, err := hex.DecodeString(encoded)
			if err != nil {
				t.Fatal(err)
			}
			if isEd25519Point([32]byte(raw)) {
				t.Error("it passes")
			}
		})
	}
}
