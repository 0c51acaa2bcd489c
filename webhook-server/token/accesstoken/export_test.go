package accesstoken

// Remembered is how many tokens a Verifier remembers now.
func (v *Verifier) Remembered() int {
	v.memory.mu.Lock()
	defer v.memory.mu.Unlock()
	return len(v.memory.younger) + len(v.memory.older)
}
