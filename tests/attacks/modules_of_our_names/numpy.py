print("GOT IN: imported in place of another")
