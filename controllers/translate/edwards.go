package translate

import (
	"math/big"
	"slices"
)

// The field and the constant of edwards25519 (RFC 8032 section 5.1): -x² + y² = 1 + d x² y² modulo p.
func edwards25519() (p, d *big.Int) {
	p = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	d = new(big.Int).Mul(big.NewInt(-121665), new(big.Int).ModInverse(big.NewInt(121666), p))
	return p, d.Mod(d, p)
}

// isEd25519Point says whether the bytes are a public key: the canonical encoding of a point of the curve (RFC 8032 section 5.1.3) whose order is not
// small. For a point of small order, all zeros for example, anybody can make signatures. crypto/ed25519 looks at neither before it verifies,
// and the standard library has no other door to the curve. The key is public, so the time this takes gives nothing away.
func isEd25519Point(encoded [32]byte) bool {
	p, d := edwards25519()
	sign := uint(encoded[31] >> 7)
	encoded[31] &= 0x7f
	slices.Reverse(encoded[:])
	y := new(big.Int).SetBytes(encoded[:])
	if y.Cmp(p) >= 0 {
		return false
	}
	one := big.NewInt(1)
	yy := new(big.Int).Mul(y, y)
	numerator := new(big.Int).Sub(yy, one)
	denominator := new(big.Int).Mul(d, yy)
	denominator.Add(denominator, one) // never zero: -1/d is no square
	xx := numerator.Mul(numerator, denominator.ModInverse(denominator.Mod(denominator, p), p))
	x := new(big.Int).ModSqrt(xx.Mod(xx, p), p)
	if x == nil || (x.Sign() == 0 && sign == 1) {
		return false
	}
	if x.Bit(0) != sign {
		x.Sub(p, x)
	}
	// The cofactor is 8: a point of small order is the neutral element (0, 1) after three doublings.
	for range 3 {
		x, y = double(x, y, p, d)
	}
	return x.Sign() != 0 || y.Cmp(one) != 0
}

// double adds a point to itself (RFC 8032 section 5.1.4, in affine form).
func double(x, y, p, d *big.Int) (*big.Int, *big.Int) {
	xx, yy, xy := new(big.Int).Mul(x, x), new(big.Int).Mul(y, y), new(big.Int).Mul(x, y)
	t := new(big.Int).Mul(d, new(big.Int).Mul(xx, yy))
	t.Mod(t, p)
	one := big.NewInt(1)
	fraction := func(numerator, denominator *big.Int) *big.Int {
		inverse := new(big.Int).ModInverse(denominator.Mod(denominator, p), p)
		return numerator.Mod(numerator.Mul(numerator, inverse), p)
	}
	return fraction(xy.Lsh(xy, 1), new(big.Int).Add(one, t)), fraction(yy.Add(yy, xx), new(big.Int).Sub(one, t))
}
