print("polycast")
