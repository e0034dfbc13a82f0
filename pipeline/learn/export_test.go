package learn

// Plant makes the shared fits tell of this grade, so that one who takes them is known by it.
func (s *Shared) Plant(grade string) {
	for _, found := range s.fits {
		found.Quality.Grade = grade
	}
}
