package serving

// The lengths of payment card numbers (ISO/IEC 7812-1).
const (
	minCardDigits = 13
	maxCardDigits = 19
	shownDigits   = 4
)

// MaskCardNumbers replaces the digits of every run of 13 to 19 digits that passes the Luhn check by "*", except the last four. A run ends where
// another character stands, so a longer run is left alone.
func MaskCardNumbers(s string) string {
	var masked []byte
	for start := 0; start < len(s); {
		if !isDigit(s[start]) {
			start++
			continue
		}
		end := start + 1
		for end < len(s) && isDigit(s[end]) {
			end++
		}
		if n := end - start; n >= minCardDigits && n <= maxCardDigits && luhn(s[start:end]) {
			if masked == nil {
				masked = []byte(s)
			}
			for i := start; i < end-shownDigits; i++ {
				masked[i] = '*'
			}
		}
		start = end
	}
	if masked == nil {
		return s
	}
	return string(masked)
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// luhn computes the check digit of ISO/IEC 7812-1 annex B.
func luhn(digits string) bool {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}
