package terminal

// Finding draws one finding: its state, what it is about, and the text beside them, then the way out. The state is painted by
// its tone: 0 good, 1 to be noted, 2 bad.
func (s Screen) Finding(tone int, state, about, text, try string) {
	const beside = 2 + 7 + 2 + 12 + 2 // columns left of the text
	colour := [3]string{tones[3], "38;5;179", "38;5;203"}[tone]
	lines := s.wrap(text, s.width()-beside)
	if try != "" {
		lines = append(lines, s.wrap("try: "+try, s.width()-beside)...)
	}
	for i, line := range lines {
		if i == 0 {
			s.Line("  %s  %s  %s", s.paint(colour, pad(state, 7)), s.Bold(pad(about, 12)), line)
		} else {
			s.Line("%*s%s", beside, "", line)
		}
	}
}
